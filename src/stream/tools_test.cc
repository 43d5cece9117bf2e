// Our files against gzip, pigz, zstd and pzstd, both ways.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/child.h"
#include "base/error.h"
#include "stream/pack.h"
#include "stream/testing.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

using testing::copy_text;

std::string packed(std::string_view bytes, std::string_view compression) {
  testing::StringSink sink;
  Packer packer(sink, parse_compression(compression), 2, 100'000);
  packer.write(bytes);
  packer.finish();
  return sink.bytes();
}

class Tools : public ::testing::Test {
 protected:
  Tools() {
    std::string folder = (std::filesystem::temp_directory_path() / "pgstow-pack-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) throw_errno(folder);
    folder_ = folder;
  }
  ~Tools() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& bytes) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  // Throws ProcessFailed when the tool is not content.
  static std::string run(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.env = child_environment({});
    command.pipe_out = true;
    return run_command(std::move(command), {});
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(Tools, GzipToolsReadOurFiles) {
  const std::string bytes = copy_text(1'234'567);
  for (const char* compression : {"gzip:1", "gzip:2", "gzip:3", "gzip:4", "gzip:12"}) {
    const std::string path = file("ours.gz", packed(bytes, compression));
    run({"gzip", "-t", path});
    EXPECT_EQ(run({"zcat", path}), bytes);
    EXPECT_EQ(run({"pigz", "-d", "-c", path}), bytes);
  }
}

TEST_F(Tools, ZstdToolsReadOurFiles) {
  const std::string bytes = copy_text(1'234'567);
  for (const char* compression : {"zstd:1", "zstd:3", "zstd:19"}) {
    const std::string path = file("ours.zst", packed(bytes, compression));
    run({"zstd", "-q", "-t", path});
    EXPECT_EQ(run({"zstd", "-q", "-d", "-c", path}), bytes);
    EXPECT_EQ(run({"pzstd", "-q", "-d", "-c", "-p", "2", path}), bytes);
  }
}

TEST_F(Tools, AnEmptyStreamIsAValidFile) {
  EXPECT_EQ(run({"zcat", file("empty.gz", packed("", "gzip:2"))}), "");
  EXPECT_EQ(run({"zcat", file("empty.gz", packed("", "gzip:6"))}), "");
  EXPECT_EQ(run({"zstd", "-q", "-d", "-c", file("empty.zst", packed("", "zstd:3"))}), "");
}

TEST_F(Tools, WeReadTheirFiles) {
  const std::string bytes = copy_text(1'234'567);
  const std::string path = file("theirs", bytes);
  for (const std::vector<std::string>& tool :
       std::vector<std::vector<std::string>>{{"gzip", "-c", "-1"},
                                             {"gzip", "-c", "-9", "-n"},
                                             {"pigz", "-c", "-p", "2"},
                                             {"pigz", "-c", "-i", "-b", "128"},
                                             {"zstd", "-q", "-c"},
                                             {"zstd", "-q", "-c", "--no-check", "-19"},
                                             {"pzstd", "-q", "-c", "-p", "2", "-1"}}) {
    std::vector<std::string> argv = tool;
    argv.push_back(path);
    const std::string theirs = run(argv);
    for (const Decoder decoder : {Decoder::kFast, Decoder::kIndependent}) {
      testing::StringSource source(theirs);
      EXPECT_EQ(testing::read_all(*open_unpacked(source, decoder, 2)), bytes) << tool[0];
    }
  }
}

}  // namespace
}  // namespace pgstow
