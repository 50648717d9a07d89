#include "cli/wire/capture.h"
#include "cli/wire/capture_decoder.h"
#include "cli/wire/text_out.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

// Any bytes as what `debug wire` is given: a capture, or frames of either direction. The first byte chooses.
// Properties: it ends; all that was kept is given back; what is written is whole lines.

namespace {

using namespace tidelog;
using namespace tidelog::cli;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Written {
  std::size_t bytes = 0;
  char last = '\n';
};

TextOut counting(Written& written) {
  return TextOut([&written](std::string_view text) {
    written.bytes += text.size();
    if (!text.empty()) written.last = text.back();
    return true;
  });
}

void as_capture(Bytes input, FramePrinter& printer, KeptBytes& kept) {
  ByteSource source([input](MutableBytes room) mutable {
    const std::size_t count = std::min(room.size(), input.size());
    if (count > 0) std::memcpy(room.data(), input.data(), count);
    input = input.subspan(count);
    return count;
  });
  auto reader = open_capture(source);
  if (!reader) return;
  WireTally tally;
  CaptureDecoder decoder({.printer = printer, .kept = kept, .tally = tally}, std::nullopt);
  for (auto packet = (*reader)->next(); packet && *packet; packet = (*reader)->next()) decoder.take(**packet);
  decoder.finish();
}

void as_frames(Bytes input, FramePrinter& printer, KeptBytes& kept, const std::optional<Asked>& asked) {
  FrameCutter cutter(kept);
  const auto each = [&](const CutFrame& frame) {
    if (asked)
      print_response(frame, {}, asked, printer);
    else
      print_request(frame, {}, printer);
  };
  const std::size_t half = input.size() / 2;
  if (cutter.feed(input.first(half), each) && cutter.feed(input.subspan(half), each)) cutter.finish(each);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Bytes input = std::as_bytes(std::span(data, size)).subspan(3);
  KeptBytes kept;
  const std::size_t before = kept.left;
  Written written;
  TextOut out = counting(written);
  const auto printer = (data[0] & 1) != 0 ? make_json_printer(out) : make_text_printer(out);
  if ((data[0] & 2) != 0)
    as_capture(input, *printer, kept);
  else if ((data[0] & 4) != 0)
    as_frames(input, *printer, kept, Asked{.api_key = data[1], .api_version = data[2], .correlation_id = 0, .time_ns = {}});
  else
    as_frames(input, *printer, kept, std::nullopt);
  out.flush();
  require(kept.left == before);
  require(written.last == '\n');
  return 0;
}
