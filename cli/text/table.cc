#include "cli/text/table.h"

#include "cli/text/json.h"
#include "cli/text/legible.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace tidelog::cli {
namespace {

/// Columns a text takes, near enough: one for each UTF-8 character.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char letter) { return (letter & 0xc0) != 0x80; }));
}

std::string heading_text(const std::string& heading) {
  std::string text;
  for (const char letter : heading) text += letter == '_' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

/// What clients chose goes to terminals, and its line breaks would make rows.
std::string shown(const std::string& text) { return text.empty() ? "-" : legible(text); }

}  // namespace

Cell::Cell(const std::vector<std::int32_t>& numbers) : kind_(Kind::list) {
  for (const std::int32_t number : numbers) text_ += (text_.empty() ? "" : ",") + std::to_string(number);
}

Cell::Cell(std::chrono::milliseconds time) : kind_(Kind::number) {
  char text[40];
  const long long count = time.count();
  std::snprintf(text, sizeof text, "%lld.%03lld", count / 1000, count % 1000);
  text_ = text;
}

Cell Cell::no_number() {
  Cell cell("");
  cell.kind_ = Kind::no_number;
  return cell;
}

std::string Cell::json() const {
  if (kind_ == Kind::no_number) return "null";
  if (kind_ == Kind::number) return text_;
  if (kind_ == Kind::list) return "[" + text_ + "]";
  std::string quoted;
  append_json_string(quoted, text_);
  return quoted;
}

std::string Table::as_table() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    std::size_t width = headings_[column].size();
    for (const auto& row : rows_) width = std::max(width, width_of(shown(row[column].text())));
    widths.push_back(width);
  }
  std::string out;
  const auto put = [&](std::size_t column, const std::string& text, bool is_right) {
    const std::string padding(widths[column] - std::min(widths[column], width_of(text)), ' ');
    const bool is_last = column + 1 == headings_.size();
    out += is_right ? padding + text : is_last ? text : text + padding;
    out += is_last ? "\n" : "  ";
  };
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    put(column, heading_text(headings_[column]), !rows_.empty() && rows_.front()[column].is_number());
  }
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) put(column, shown(row[column].text()), row[column].is_number());
  }
  return out;
}

std::string Table::as_tsv() const {
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      out += legible(row[column].text());
      out += column + 1 == row.size() ? '\n' : '\t';
    }
  }
  return out;
}

std::string Table::row_json(const std::vector<Cell>& row) const {
  Json object;
  for (std::size_t column = 0; column < row.size(); ++column) object.raw(headings_[column], row[column].json());
  return object.text();
}

std::string Table::render(const Command& command, std::string_view json_name) const {
  if (command.global.format == Format::table) return as_table();
  if (command.global.format == Format::tsv) return as_tsv();
  const bool is_lines = command.global.format == Format::jsonl;
  std::string rows;
  for (const auto& row : rows_) {
    if (is_lines)
      (rows += row_json(row)) += '\n';
    else
      (rows += rows.empty() ? "" : ",") += row_json(row);
  }
  if (is_lines) return rows;
  Json object;
  object.field("_command", command.path).field("_version", 1).raw(json_name, "[" + rows + "]");
  return object.text() + "\n";
}

bool print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  // Who reads no more knows it; a full disk behind `>` does not say anything by itself.
  if (errno != EPIPE) std::fprintf(stderr, "error: cannot write to standard output: %s\n", std::generic_category().message(errno).c_str());
  return false;
}

}  // namespace tidelog::cli
