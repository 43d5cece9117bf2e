// Metrics for Prometheus: its text exposition format 0.0.4.
//
// Every family is always there, with all its label values but the names of stores: a time that is
// not known is 0, a number of a backup that was never made, too. Every sample has the label
// `database`, so that node_exporter takes the files of several services on one host.
#pragma once

#include <filesystem>
#include <string>

#include "daemon/standing.h"

namespace pgstow {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Standing& standing);

// For node_exporter's textfile collector: written beside the path under a hidden name, which a link
// can't lead away, then renamed; readable by everybody (0644). Throws Error; the file is then as it
// was.
void write_metrics_file(const std::filesystem::path& path, const std::string& text);

}  // namespace pgstow
