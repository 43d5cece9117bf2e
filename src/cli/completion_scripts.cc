// The scripts hand the words to `pgstow completion words` by its standard input, not as arguments:
// a password in what is being typed must not show in `ps`. Each line that comes back is a
// candidate, a tab and its help; the line ":files" asks for names of files.
#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/completion.h"

namespace pgstow::cli {
namespace {

constexpr std::string_view kBash =
    R"(# bash completion for pgstow. Read it by:  source <(pgstow completion bash)
_pgstow() {
  local line=${COMP_LINE:0:COMP_POINT} word candidate help
  local -a words
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(""); fi
  word=${words[-1]}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate help; do
    if [[ $candidate == :files ]]; then
      compopt -o default 2>/dev/null
    else
      # readline replaces only what stands behind the last = or :
      COMPREPLY+=("${candidate#"${word%"${word##*[=:]}"}"}")
    fi
  done < <(printf '%s\n' "${words[@]:1}" | "${COMP_WORDS[0]}" completion words 2>/dev/null)
}
complete -o nosort -F _pgstow pgstow
)";

constexpr std::string_view kZsh = R"(#compdef pgstow
# zsh completion for pgstow. In $fpath its name is _pgstow; or:  source <(pgstow completion zsh)
_pgstow() {
  local -a candidates
  local line text
  print -rl -- "${(@Q)words[2,CURRENT]}" | ${(Q)words[1]} completion words 2>/dev/null |
    while IFS= read -r line; do
      if [[ $line == :files ]]; then
        _files
        continue
      fi
      text=${line%%$'\t'*}
      candidates+=("${text//:/\\:}:${line#*$'\t'}")
    done
  if (( $#candidates )); then _describe -V pgstow candidates; fi
}
if [[ $funcstack[1] == _pgstow ]]; then
  _pgstow "$@"
else
  compdef _pgstow pgstow
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion for pgstow. Read it by:  pgstow completion fish | source
function __pgstow_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (printf '%s\n' $words[2..-1] | command $words[1] completion words 2>/dev/null)
        if test $line = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c pgstow -f -k -a '(__pgstow_complete)'
)";

}  // namespace

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  throw ConfigError(fmt::format("no completion for the shell \"{}\"", printable(shell)),
                    "there is one for bash, zsh and fish");
}

}  // namespace pgstow::cli
