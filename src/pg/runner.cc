#include "pg/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/words.h"

namespace pgstow::pg {
namespace {

// The first line of the input is the password, its bytes as octal escapes for printf, which is a
// builtin of every shell: nothing of it is seen in a process list. `read` takes a byte at a time,
// so the rest of the input is whole. Where no host is given, programs go where the relay goes.
constexpr const char* kSetUp = R"sh(IFS= read -r line || exit 125
if [ -n "$line" ]; then
  PGPASSWORD=$(printf '%b.' "$line") && PGPASSWORD=${PGPASSWORD%.} && export PGPASSWORD
fi
LC_ALL=C && export LC_ALL
PGHOST=${PGHOST:-127.0.0.1} && export PGHOST
reads_file=
)sh";

constexpr const char* kRun = R"sh(exec "$@"
)sh";

// A shell gives what it starts with & an input of its own, /dev/null, unless another is named.
// Nothing but the program may hold its output: its reader waits for the end of all that do.
//
// Each process is awaited by the one that started it. In a container the first process inherits
// those whose parents have ended, and it is the server as often as not: one that it never started
// and that ended by a signal it takes for a backend's crash, and restarts all sessions (reaper() in
// postmaster.c).
constexpr const char* kRunWatched = R"sh(exec 3<&0
if [ -z "$reads_file" ]; then exec 4</dev/null; fi
"$@" <&4 3<&- 4<&- &
tool=$!
exec 4<&-
(while IFS= read -r line; do :; done; kill "$tool") <&3 >/dev/null 2>&1 3<&- &
watch=$!
exec 3<&- >/dev/null
wait "$tool"
status=$?
kill "$watch" 2>/dev/null
wait "$watch" 2>/dev/null
exit "$status"
)sh";

// A container's /tmp may be read-only, its /dev/shm hardly ever.
constexpr const char* kTakeFile = R"sh(IFS=' ' read -r bytes size || exit 125
umask 077
file=$(mktemp 2>/dev/null || mktemp -p /dev/shm) || exit 125
head -c "$bytes" >"$file" && { [ "$size" -le "$bytes" ] || truncate -s "$size" "$file"; } &&
  exec 4<"$file"
status=$?
rm -f "$file"
[ "$status" -eq 0 ] || exit 125
reads_file=yes
)sh";

std::string as_octal(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("\\0{:03o}", static_cast<unsigned char>(c));
  return out;
}

std::string_view base_name(std::string_view word) { return word.substr(word.rfind('/') + 1); }

// ssh joins its words with blanks and has them read by a shell.
bool is_read_by_a_shell(const std::vector<std::string>& prefix) {
  return std::ranges::any_of(prefix, [](const std::string& w) { return base_name(w) == "ssh"; });
}

}  // namespace

std::string Runner::name() const { return is_here() ? "this host" : shell_line(prefix); }

Command script_command(const Runner& runner, const std::string& script,
                       const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"sh", "-c", script, "pgstow"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (is_read_by_a_shell(runner.prefix)) {
    std::ranges::transform(words, words.begin(), shell_quoted);
  }
  Command command{.argv = runner.prefix, .env = command_environment()};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return command;
}

Command remote_command(const Runner& runner, const std::vector<std::string>& argv,
                       const std::string& password, ToolInput input) {
  const bool streams = input == ToolInput::kStream;
  Command command =
      script_command(runner, std::string(kSetUp) + (streams ? kRun : kRunWatched), argv);
  command.pipe_in = true;
  command.preface = as_octal(password) + "\n";
  command.holds_in = !streams;
  return command;
}

Command remote_command_on_file(const Runner& runner, const std::vector<std::string>& argv,
                               const std::string& password, const FileInput& file) {
  Command command = script_command(runner, std::string(kSetUp) + kTakeFile + kRunWatched, argv);
  command.pipe_in = true;
  command.preface = fmt::format("{}\n{} {}\n", as_octal(password), file.bytes, file.size);
  command.holds_in = true;
  return command;
}

}  // namespace pgstow::pg
