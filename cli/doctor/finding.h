#pragma once

#include "cli/options.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// How one look went. A remark is worth knowing and stops no client.
enum class Verdict : std::uint8_t { ok, remark, problem };

struct Finding {
  Verdict verdict = Verdict::ok;
  std::string hop;      ///< "bootstrap", "broker 3", "cluster": what was looked at.
  std::string address;  ///< The name or address, if it is about one.
  std::string code;     ///< For scripts; empty if all is well.
  std::string message;
  std::string hint;
};

/// What was found, in the order of looking.
class Report {
 public:
  void add(Finding finding) { findings_.push_back(std::move(finding)); }
  void add_all(std::vector<Finding> findings) {
    for (Finding& finding : findings) add(std::move(finding));
  }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] std::size_t count(Verdict verdict) const;
  /// In the form that was asked for; as text, each problem in the three lines of every other error.
  [[nodiscard]] std::string render(const Command& command) const;

 private:
  [[nodiscard]] std::string as_text(bool is_quiet) const;
  std::vector<Finding> findings_;
};

}  // namespace tidelog::cli
