#include "pg/relay.h"

namespace pgstow::pg {
namespace {

// In this order: those first that know Unix sockets and can end one direction alone. A program that
// is there but lacks an option (busybox's nc has no -U) is passed by.
constexpr const char* kScript = R"sh(host=${1:-${PGHOST:-127.0.0.1}}
port=${2:-${PGPORT:-5432}}
bash=$5
unix=
case $host in /*) unix=$host/.s.PGSQL.$port ;; esac
has() { command -v "$1" >/dev/null 2>&1; }
if has socat; then
  case $host in *:*) host="[$host]" ;; esac
  if [ -n "$unix" ]; then exec socat -t 10 - "UNIX-CONNECT:$unix"; fi
  exec socat -t 10 - "TCP:$host:$port"
fi
if has perl; then exec perl -e "$3" "$host" "$port" "$unix"; fi
if has python3; then exec python3 -c "$4" "$host" "$port" "$unix"; fi
if has nc; then
  options=$(nc -h 2>&1)
  half=
  case $options in *-N*) half=-N ;; esac
  fits=yes
  if [ -n "$unix" ]; then
    case $options in *BusyBox*) fits= ;; *-*U*) set -- -U "$unix" ;; *) fits= ;; esac
  else
    set -- "$host" "$port"
  fi
  if [ -n "$fits" ]; then
    nc $half "$@" && exit 0
    echo "nc: ${unix:-$host:$port}: refused, or the connection broke" >&2  # it says nothing
    exit 1
  fi
fi
if has bash && [ -z "$unix" ]; then exec bash -c "$bash" pgstow "$host" "$port"; fi
echo "nothing there can reach ${unix:-$host:$port}: socat, perl, python3 or nc would" >&2
exit 127
)sh";

// One process for each direction: neither waits for the other. Here, too, none may end by a signal
// without its parent (see runner.cc).
constexpr const char* kPerl = R"pl(use strict; use Socket qw(:all);
my ($host, $port, $unix) = @ARGV;
my $s;
if ($unix) {
  socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($unix)) or die "$unix: $!\n";
} else {
  my ($e, @found) = getaddrinfo($host, $port, {socktype => SOCK_STREAM});
  die "$host: $e\n" if $e;
  my $ok;
  for my $a (@found) {
    socket($s, $a->{family}, SOCK_STREAM, 0) && connect($s, $a->{addr}) or next;
    $ok = 1;
    last;
  }
  $ok or die "$host:$port: $!\n";
}
sub copy {
  my ($from, $to) = @_;
  my $b;
  while (sysread($from, $b, 65536)) {
    for (my $at = 0; $at < length $b;) {
      my $n = syswrite($to, $b, length($b) - $at, $at);
      return unless $n;
      $at += $n;
    }
  }
}
$SIG{PIPE} = "IGNORE";
my $up = $$;
defined(my $down = fork) or die "fork: $!\n";
if (!$down) {
  close STDIN;
  copy($s, \*STDOUT);
  kill "TERM", $up;
  exit 0;
}
close STDOUT;
$SIG{TERM} = sub { waitpid($down, 0); exit 0 };
copy(\*STDIN, $s);
shutdown($s, 1);
$SIG{TERM} = "IGNORE";
$SIG{ALRM} = sub { kill "KILL", $down };
alarm 10;
1 while waitpid($down, 0) != $down;
)pl";

constexpr const char* kPython = R"py(import os, socket, sys, threading
host, port, unix = sys.argv[1:]
try:
    if unix:
        s = socket.socket(socket.AF_UNIX)
        s.connect(unix)
    else:
        s = socket.create_connection((host, int(port)))
except OSError as e:
    sys.exit("%s: %s" % (unix or host + ":" + port, e))
s.settimeout(None)
def down():
    try:
        while True:
            b = s.recv(65536)
            if not b:
                break
            while b:
                b = b[os.write(1, b):]
    finally:
        os._exit(0)
threading.Thread(target=down, daemon=True).start()
try:
    while True:
        b = os.read(0, 65536)
        if not b:
            break
        s.sendall(b)
    s.shutdown(socket.SHUT_WR)
except OSError:
    pass
threading.Event().wait(10)
)py";

// Can't end one direction alone: when either ends, so does the other.
constexpr const char* kBash = R"sh(exec 3<>"/dev/tcp/$1/$2" || exit 1
exec 4<&0
cat <&4 >&3 &
up=$!
cat <&3 4<&- &
down=$!
exec 3<&- 4<&- >/dev/null
wait -n
kill "$up" "$down" 2>/dev/null
wait 2>/dev/null
exit 0
)sh";

}  // namespace

Command relay_command(const Runner& runner) {
  return script_command(runner, kScript, {runner.host, runner.port, kPerl, kPython, kBash});
}

}  // namespace pgstow::pg
