#include "cli/doctor/finding.h"

#include "cli/text/legible.h"
#include "cli/text/table.h"

#include <algorithm>

namespace tidelog::cli {
namespace {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::remark: return "remark";
    case Verdict::problem: return "error";
  }
  return "error";
}

std::string text_of(const Finding& finding) {
  std::string text = std::string(name_of(finding.verdict)) + ": " + finding.hop;
  if (!finding.address.empty()) text += " " + finding.address;
  text = legible(text + ": " + finding.message) + "\n";  // Names come from brokers.
  if (!finding.hint.empty()) text += "  hint: " + legible(finding.hint) + "\n";
  if (!finding.code.empty()) text += "  code: " + finding.code + "\n";
  return text;
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace

std::size_t Report::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count(findings_, verdict, &Finding::verdict));
}

std::string Report::as_text(bool is_quiet) const {
  std::string text;
  for (const Finding& finding : findings_) {
    if (!is_quiet || finding.verdict != Verdict::ok) text += text_of(finding);
  }
  if (is_quiet) return text;
  const std::size_t problems = count(Verdict::problem);
  const std::size_t remarks = count(Verdict::remark);
  text += problems == 0 ? "all well" : counted(problems, "problem");
  if (remarks > 0) text += ", " + counted(remarks, "remark");
  return text + "\n";
}

std::string Report::render(const Command& command) const {
  if (command.global.format == Format::table) return as_text(command.global.is_quiet);
  Table table({"status", "hop", "address", "code", "message", "hint"});
  for (const Finding& one : findings_) table.add({name_of(one.verdict), one.hop, one.address, one.code, one.message, one.hint});
  return table.render(command, "checks");
}

}  // namespace tidelog::cli
