#pragma once

#include "cli/options.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// One value of a table. Numbers go to the right, and stand bare in JSON.
class Cell {
 public:
  Cell(std::string text) : text_(std::move(text)) {}                                 // NOLINT(google-explicit-constructor)
  Cell(std::string_view text) : text_(text) {}                                       // NOLINT(google-explicit-constructor)
  Cell(const char* text) : text_(text) {}                                            // NOLINT(google-explicit-constructor)
  Cell(std::int64_t number) : text_(std::to_string(number)), kind_(Kind::number) {}  // NOLINT(google-explicit-constructor)
  /// A number of seconds, to the millisecond.
  explicit Cell(std::chrono::milliseconds time);
  /// Rendered as "1,2,3", in JSON as an array.
  explicit Cell(const std::vector<std::int32_t>& numbers);

  /// A number that there is none of: empty, and null in JSON.
  static Cell no_number();

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool is_number() const { return kind_ == Kind::number || kind_ == Kind::no_number; }
  [[nodiscard]] std::string json() const;

 private:
  enum class Kind : std::uint8_t { text, number, no_number, list };
  std::string text_;
  Kind kind_ = Kind::text;
};

/// Rows under headings, written in whichever form was asked for. Tables and TSV are legible; JSON keeps every character.
class Table {
 public:
  /// Headings in lower case with underscores; tables show them in upper case with hyphens.
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  /// Needs a cell for each heading.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string render(const Command& command, std::string_view json_name) const;

 private:
  [[nodiscard]] std::string as_table() const;
  [[nodiscard]] std::string as_tsv() const;
  [[nodiscard]] std::string row_json(const std::vector<Cell>& row) const;

  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
};

/// Writes to stdout; false if that failed.
bool print(std::string_view text);

}  // namespace tidelog::cli
