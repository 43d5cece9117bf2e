// PostgreSQL's own programs: which ones are installed, and which one fits.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/runner.h"

namespace pgstow::pg {

struct Tool {
  std::filesystem::path path;
  int major = 0;
  std::string version;  // as it prints it: "15.20 (Debian 15.20-0+deb12u1)"
  Runner runner = {};   // where it is
};

// Every `name` ("pg_dump", "pg_restore") that is installed where `runner` runs programs: in
// `folder` alone if it is not empty, otherwise in PATH and in the usual places
// (/usr/lib/postgresql/N/bin, /usr/pgsql-N/bin, ...). Wrappers that pick a version by themselves
// (Debian's pg_wrapper) are left out. Newest first. Throws ProcessFailed when nothing can be asked
// there.
std::vector<Tool> installed_tools(const std::string& name, const std::filesystem::path& folder,
                                  const std::stop_token& stop, const Runner& runner = {});

// The one to use with a server, or an archive, of version `major`: the same major if it is there
// (so that the archive stays restorable with that major's tools), otherwise the newest that is
// newer. Throws NotFound, naming what is installed and the package that is missing.
Tool find_tool(const std::string& name, int major, const std::filesystem::path& folder,
               const std::stop_token& stop, const Runner& runner = {});

// Whether an archive that this pg_dump makes can go back into a server of that major (see below).
bool dumps_for(const Tool& pg_dump, int server_major);

// pg_restore 17 and later begins with SET transaction_timeout, which servers before 17 do not know
// (_doSetFixedOutputState in pg_backup_archiver.c). Throws NotFound for such a pair.
void check_restores_into(const Tool& pg_restore, int server_major);

// The oldest PostgreSQL major whose pg_restore reads the archive.
int needed_major(const ArchiveHeader& archive);

}  // namespace pgstow::pg
