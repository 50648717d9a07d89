#include "cli/commands/commands.h"
#include "cli/text/table.h"
#include "cli/wire/capture.h"
#include "cli/wire/capture_decoder.h"
#include "cli/wire/hex_text.h"
#include "cli/wire/text_out.h"
#include "proto/codec/api_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>

namespace tidelog::cli {
namespace {

constexpr std::size_t kMagicBytes = 4;

/// What the bytes of a bare stream are.
struct StreamKind {
  bool is_responses = false;
  std::optional<Asked> asked;
};

result<std::int16_t> read_api(const std::string& text) {
  std::int16_t key = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), key);
  if (failed == std::errc{} && end == text.data() + text.size()) return key;
  for (const proto::ApiInfo& api : proto::served_apis()) {
    if (api.name == text) return api.key;
  }
  return error(errc::invalid_argument, "\"" + text + "\" is no API").set_hint("a key such as 3, or a name such as Metadata");
}

result<StreamKind> read_kind(const WireOptions& options) {
  const bool names_api = !options.api.empty() || options.api_version >= 0;
  if (!options.is_responses) {
    if (!names_api) return StreamKind{};
    error useless(errc::invalid_argument, "--api-key and --api-version are about responses");
    return useless.set_hint("requests say themselves what they are; for responses add --responses");
  }
  if (options.api.empty() || options.api_version < 0) {
    error unknown(errc::invalid_argument, "nothing in a response says what it answers");
    return unknown.set_hint("--responses needs --api-key KEY and --api-version N; in a capture the requests say it");
  }
  const result<std::int16_t> key = read_api(options.api);
  if (!key) return key.error();
  return StreamKind{.is_responses = true, .asked = Asked{.api_key = *key, .api_version = static_cast<std::int16_t>(options.api_version)}};
}

/// The file that is read, or standard input.
class Input {
 public:
  explicit Input(const std::string& file) : fd_(file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) problem_ = errno;
  }
  ~Input() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  std::size_t read(MutableBytes room) {
    ssize_t count = -1;
    do count = ::read(fd_, room.data(), room.size());
    while (count < 0 && errno == EINTR);
    if (count < 0) problem_ = errno;
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  /// An errno, or 0.
  [[nodiscard]] int problem() const { return problem_; }

 private:
  int fd_;
  int problem_ = 0;
};

/// One run of the command.
class WireRun {
 public:
  WireRun(const Command& command, StreamKind kind)
      : command_(command),
        kind_(kind),
        input_(command.wire.file),
        out_([](std::string_view text) { return print(text); }),
        printer_(is_json() ? make_json_printer(out_) : make_text_printer(out_)),
        source_([this](MutableBytes room) { return read(room); }) {}

  int run() {
    if (input_.problem() == 0) {
      read_input();
      out_.flush();
    }
    if (input_.problem() != 0) {
      fail(command_.global, error(errc::invalid_argument,
                                  "cannot read \"" + command_.wire.file + "\": " + std::generic_category().message(input_.problem())));
      return kFailed;
    }
    if (!command_.global.is_quiet) std::fputs(summary().c_str(), stderr);
    const bool is_well = tally_.failed == 0 && tally_.broken_streams == 0 && !has_failed_ && out_.is_open();
    return is_well ? kOk : kFailed;
  }

 private:
  [[nodiscard]] bool is_json() const { return command_.global.format == Format::json || command_.global.format == Format::jsonl; }

  /// Whoever reads along sees all that came before the wait for more. Nobody reading any more is the end.
  std::size_t read(MutableBytes room) {
    out_.flush();
    return out_.is_open() ? input_.read(room) : 0;
  }

  void read_input() {
    if (command_.wire.is_hex) return read_hex();
    source_.ensure(kMagicBytes);
    if (begins_capture(source_.bytes())) return read_capture();
    FrameCutter cutter(kept_);
    bool goes_on = true;
    for (Bytes bytes = source_.some(); goes_on && !bytes.empty(); bytes = source_.some()) {
      goes_on = feed(cutter, bytes);
      source_.consume(bytes.size());
    }
    if (goes_on) finish(cutter);
  }
  void read_hex();
  void read_capture();

  bool feed(FrameCutter& cutter, Bytes bytes) {
    if (cutter.feed(bytes, [this](const CutFrame& frame) { take(frame); })) return true;
    ++tally_.broken_streams;
    printer_->remark({}, "no frame begins before byte " + std::to_string(cutter.at()) + ": " + std::to_string(cutter.bad_length()) +
                             " is no length of one; nothing behind it is read");
    return false;
  }
  void finish(FrameCutter& cutter) {
    if (cutter.finish([this](const CutFrame& frame) { take(frame); })) return;
    ++tally_.broken_streams;
    printer_->remark({}, "the bytes end within the length of a frame");
  }
  void take(const CutFrame& frame) {
    const Printed printed = kind_.is_responses ? print_response(frame, {}, kind_.asked, *printer_) : print_request(frame, {}, *printer_);
    tally_.count(printed.outcome);
  }
  void tell(const error& why) {
    out_.flush();
    fail(command_.global, why);
    has_failed_ = true;
  }
  [[nodiscard]] std::string summary() const;

  const Command& command_;
  StreamKind kind_;
  Input input_;
  TextOut out_;
  std::unique_ptr<FramePrinter> printer_;
  ByteSource source_;
  KeptBytes kept_;
  WireTally tally_;
  bool has_failed_ = false;
};

void WireRun::read_hex() {
  HexText hex;
  FrameCutter cutter(kept_);
  bool goes_on = true;
  for (Bytes piece = source_.some(); goes_on && !piece.empty(); piece = source_.some()) {
    std::vector<std::byte> bytes;
    const bool is_hex = hex.read({reinterpret_cast<const char*>(piece.data()), piece.size()}, bytes);
    source_.consume(piece.size());
    goes_on = feed(cutter, bytes);
    if (is_hex) continue;
    return tell(error(errc::invalid_argument, "line " + std::to_string(hex.line()) + " is not made of hex digits")
                    .set_hint("pairs of hex digits, with or without white space between; without --hex the bytes are taken as they are"));
  }
  if (goes_on) finish(cutter);
  if (hex.is_half()) tell(error(errc::invalid_argument, "the last byte has one hex digit"));
}

void WireRun::read_capture() {
  if (kind_.is_responses) return tell(error(errc::invalid_argument, "--responses is not for captures: they say themselves what is what"));
  result<std::unique_ptr<CaptureReader>> reader = open_capture(source_);
  if (!reader) return tell(reader.error());
  std::optional<std::uint16_t> port;
  if (command_.wire.port != 0) port = static_cast<std::uint16_t>(command_.wire.port);
  CaptureDecoder decoder({.printer = *printer_, .kept = kept_, .tally = tally_}, port);
  std::optional<error> damage;
  for (bool goes_on = true; goes_on;) {
    const result<std::optional<CapturedPacket>> packet = (*reader)->next();
    goes_on = packet && *packet;
    if (goes_on) decoder.take(**packet);
    if (!packet) damage = packet.error();
  }
  decoder.finish();
  if (damage) tell(*damage);
}

std::string WireRun::summary() const {
  const auto number = [](std::uint64_t count, const char* what) { return std::to_string(count) + " " + what; };
  std::string text = number(tally_.frames, tally_.frames == 1 ? "frame" : "frames");
  if (tally_.connections > 0) text += " of " + number(tally_.connections, tally_.connections == 1 ? "connection" : "connections");
  if (tally_.failed > 0) text += ", " + number(tally_.failed, "did not decode");
  if (tally_.unknown > 0) text += ", " + number(tally_.unknown, "that nothing here can read");
  if (tally_.lost_bytes > 0) text += ", " + number(tally_.lost_bytes, "bytes missing");
  if (tally_.other_connections > 0) text += ", " + number(tally_.other_connections, "connections of other protocols left out");
  return text + "\n";
}

}  // namespace

int run_debug_wire(const Command& command) {
  if (command.global.format == Format::tsv) return fail_usage(command.global, "frames have no form in columns", "--format json");
  const result<StreamKind> kind = read_kind(command.wire);
  if (!kind) return fail(command.global, kind.error());
  return WireRun(command, *kind).run();
}

}  // namespace tidelog::cli
