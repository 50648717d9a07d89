#pragma once

#include <tidelog/record.h>
#include <tidelog/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// How `consume -f` writes a record. kcat's verbs: %t topic, %p partition, %o offset, %T time in ms, %k key, %K its bytes (-1: null),
/// %s value, %S its bytes, %h headers as a=b,c=d, %% a percent sign; and \n \t \r \0 \\ \xHH. Nothing is added at the end.
class RecordFormat {
 public:
  static result<RecordFormat> parse(std::string_view text);
  void append(std::string& out, const record_view& record) const;

 private:
  struct Piece {
    char verb;  ///< 0: literal text.
    std::string text;
  };
  std::vector<Piece> pieces_;
};

/// One record as a JSON object; bytes that are not UTF-8 stand in `value_base64` and `key_base64`.
std::string record_json(const record_view& record);

}  // namespace tidelog::cli
