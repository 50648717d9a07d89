#include "bench/common/flags.h"
#include "bench/floor/server.h"

#include <csignal>

/// tidelog-floor --port P --dir D [--fsync] [--slice-bytes N] [--fetch-file-bytes N]
int main(int argc, char** argv) {
  tidelog::bench::Flags flags(argc, argv, 1);
  tidelog::bench::FloorOptions options{
      .port = static_cast<std::uint16_t>(flags.number("port", 29400)),
      .folder = flags.text("dir", "."),
      .durable = flags.has("fsync"),
      .slice_bytes = flags.number("slice-bytes", std::size_t{1} << 20),
      .fetch_file_bytes = flags.number("fetch-file-bytes", 0),
  };
  flags.finish();
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  tidelog::bench::FloorServer(options).run();
}
