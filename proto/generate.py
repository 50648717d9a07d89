#!/usr/bin/env python3
"""Makes the message structs and the tables of the codec from proto/schema.

Usage: generate.py SCHEMA ERRORS OUT_DIR
Writes OUT_DIR/proto/messages/<message>.h, OUT_DIR/messages.cc, and the API and error tables. A file whose contents would not change is
left alone, so that nothing is compiled again for it. The notation is described in docs/schema-notation.md.
"""
import os
import re
import sys

CPP = {"int8": "std::int8_t", "int16": "std::int16_t", "int32": "std::int32_t", "int64": "std::int64_t", "uint16": "std::uint16_t",
       "uint32": "std::uint32_t", "float64": "double", "bool": "bool", "uuid": "Uuid", "string": "std::string_view", "bytes": "Bytes",
       "records": "Records"}
KIND = {"bool": "boolean"}
# Produce is listed from 0 though served from 3: older librdkafka turns compression off otherwise (KAFKA-18659).
LISTED_FROM = {"ProduceRequest": 0}
LAST = 32767


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def versions(text):
    if text is None or text == "none":
        return (0, -1)
    if text.endswith("+"):
        return (int(text[:-1]), LAST)
    if "-" in text:
        low, high = text.split("-")
        return (int(low), int(high))
    return (int(text), int(text))


class Field:
    def __init__(self, words):
        self.name, self.type = words[0], words[1]
        self.versions = versions(words[2])
        attributes = dict(w.split("=", 1) if "=" in w else (w, "") for w in words[3:])
        self.nullable = versions(attributes.get("nullable"))
        self.tag = int(attributes.get("tag", -1))
        self.tagged = versions(attributes.get("tagged"))
        self.default = attributes.get("default")
        self.always_fixed = attributes.get("flexible") == "none"
        self.is_array = self.type.startswith("[]")
        self.element = self.type.removeprefix("[]")
        self.fields = []

    @property
    def is_struct(self):
        return self.element not in CPP

    @property
    def is_nullable_struct(self):
        return self.is_struct and not self.is_array and self.nullable[1] >= self.nullable[0]

    def cpp_type(self):
        inner = CPP.get(self.element, self.element)
        if self.is_array:
            return f"Array<{inner}>"
        return f"Nullable<{inner}>" if self.is_nullable_struct else inner

    def initialiser(self):
        if self.is_nullable_struct and self.default != "null":
            return "{.present = true}"
        if self.is_array or self.is_struct:
            return "{Array<%s>::null()}" % CPP.get(self.element, self.element) if self.is_array and self.default == "null" else "{}"
        if self.element == "string":
            return "{}" if self.default == "null" else ' = ""'
        if self.element in ("bytes", "records", "uuid"):
            return "{}"
        if self.element == "bool":
            return " = true" if self.default == "true" else " = false"
        return f" = {self.default or 0}"

    def default_number(self):
        if self.is_array or self.is_struct or self.element in ("string", "bytes", "records", "uuid"):
            return 0
        return 1 if self.default == "true" else 0 if self.default in (None, "false") else int(self.default)


class Message:
    def __init__(self, words):
        self.kind, self.name = words[0], words[1]
        attributes = dict(w.split("=", 1) for w in words[2:])
        self.key = int(attributes.get("key", -1))
        self.versions = versions(attributes["versions"])
        self.flexible = versions(attributes["flexible"])
        self.unstable = versions(attributes.get("unstable"))
        self.fields = []
        self.structs = {}  # name -> fields, inner ones first

    def collect_structs(self):
        def visit(fields):
            for field in fields:
                if field.is_struct and field.element not in self.structs:
                    visit(field.fields)
                    self.structs[field.element] = field.fields
        visit(self.fields)

    @property
    def header(self):
        return f"proto/messages/{snake(self.name)}.h"


def load(path):
    messages, shared, stack = [], {}, []
    for line in open(path, encoding="utf-8"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip(" "))) // 2
        if depth == 0:
            messages.append(Message(words))
            shared, stack = {}, [messages[-1].fields]
            continue
        if words[0] == "struct":
            fields = shared.setdefault(words[1], [])
        else:
            field = Field(words)
            if field.element in shared:
                field.fields = shared[field.element]
            del stack[depth:]
            stack[depth - 1].append(field)
            fields = field.fields
        del stack[depth:]
        stack.append(fields)
    for message in messages:
        message.collect_structs()
    return messages


def members(fields, indent):
    return [f"{indent}{f.cpp_type()} {snake(f.name)}{f.initialiser()};" for f in fields]


def header_text(m):
    lines = ["#pragma once", "", "// Generated from proto/schema/messages.txt.", '#include "proto/codec/array.h"', "",
             "namespace tidelog::proto {", "", f"struct {m.name} {{", "  static const Schema kSchema;"]
    if m.key >= 0:
        first = m.flexible[0] if m.flexible[1] >= m.flexible[0] else LAST
        lines.append(f"  static constexpr std::int16_t kKey = {m.key}, kMinVersion = {m.versions[0]}, kMaxVersion = {served_max(m)}, "
                     f"kFirstFlexible = {first};")
    for name, fields in m.structs.items():
        lines += ["", f"  struct {name} {{", "    static const Schema kSchema;"] + members(fields, "    ") + ["  };"]
    return "\n".join(lines + [""] + members(m.fields, "  ") + ["};", "", "}  // namespace tidelog::proto", ""])


def served_max(m):
    return m.unstable[0] - 1 if m.unstable[1] >= m.unstable[0] else m.versions[1]


def span(v):
    return f"{{{v[0]}, {v[1]}}}"


def row(m, owner, f):
    kind = "array" if f.is_array else "nullable_structure" if f.is_nullable_struct else "structure" if f.is_struct else KIND.get(f.element, f.element)
    element = "structure" if f.is_struct else KIND.get(f.element, f.element)
    nested = f"&{m.name}::{f.element}::kSchema" if f.is_struct else "nullptr"
    json = f.name[0].lower() + f.name[1:]
    return (f'    {{"{json}", offsetof({owner}, {snake(f.name)}), Kind::{kind}, Kind::{element}, {span(f.versions)}, {span(f.nullable)}, '
            f'{span(f.tagged)}, {f.tag}, {str(f.always_fixed).lower()}, {str(f.default == "null").lower()}, {f.default_number()}, {nested}}},')


def table(m, owner, name, fields):
    ident = re.sub(r"\W", "_", owner)
    lines = [f"const Field k{ident}Fields[] = {{"] + [row(m, owner, f) for f in fields] + ["};"] if fields else []
    versions_text = f", {span(m.versions)}, {span(m.flexible)}"
    fields_text = f"k{ident}Fields" if fields else "{}"
    lines.append(f"static_assert(sizeof({owner}) <= kLargestStructBytes);")
    lines.append(f'const Schema {owner}::kSchema{{"{name}", {fields_text}, sizeof({owner}), construct<{owner}>{versions_text}}};')
    return lines


def source_text(messages):
    lines = ["// Generated from proto/schema/messages.txt.", "#include <cstddef>", "#include <new>", ""]
    lines += [f'#include "{m.header}"' for m in messages]
    lines += ["", "namespace tidelog::proto {", "namespace {", "",
              "template <class T>", "void construct(void* at) {", "  new (at) T;", "}", "", "}  // namespace", ""]
    for m in messages:
        for name, fields in m.structs.items():
            lines += table(m, f"{m.name}::{name}", name, fields)
        lines += table(m, m.name, m.name, m.fields) + [""]
    return "\n".join(lines + ["}  // namespace tidelog::proto", ""])


def api_text(messages):
    requests = sorted((m for m in messages if m.kind == "request"), key=lambda m: m.key)
    keys = ", ".join(f"{snake(m.name.removesuffix('Request'))} = {m.key}" for m in requests)
    header = ["#pragma once", "", "// Generated from proto/schema/messages.txt.", "#include <cstdint>", "", "namespace tidelog::proto {", "",
              "/// The requests that are served.", f"enum class ApiKey : std::int16_t {{ {keys} }};", "", "}  // namespace tidelog::proto", ""]
    rows = ["// Generated from proto/schema/messages.txt: key, first and last version listed, first flexible version, name, schemas."]
    responses = {m.key: m for m in messages if m.kind == "response"}
    for m in requests:
        low = LISTED_FROM.get(m.name, m.versions[0])
        first = m.flexible[0] if m.flexible[1] >= m.flexible[0] else LAST
        rows.append(f'{{{m.key}, {low}, {served_max(m)}, {first}, "{m.name.removesuffix("Request")}", &{m.name}::kSchema, '
                    f"&{responses[m.key].name}::kSchema}},")
    includes = [f'#include "{m.header}"' for m in requests] + [f'#include "{responses[m.key].header}"' for m in requests]
    return "\n".join(header), "\n".join(rows + [""]), "\n".join(["// Generated."] + includes + [""])


def error_texts(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")][1:]
    entries = ",\n".join(f"  {r[1].lower()} = {r[0]}" for r in rows)
    header = ("#pragma once\n\n// Generated from proto/schema/errors.tsv.\n#include <cstdint>\n\nnamespace tidelog {\n\n"
              f"/// The protocol's error codes (https://kafka.apache.org/protocol#protocol_error_codes).\nenum class ErrorCode : std::int16_t {{\n{entries},\n}};\n\n"
              "}  // namespace tidelog\n")
    table = "".join(f'{{ErrorCode::{r[1].lower()}, "{r[1]}", {"true" if r[2] == "yes" else "false"}}},\n' for r in rows)
    return header, "// Generated from proto/schema/errors.tsv.\n" + table


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    schema, errors, out = sys.argv[1:4]
    messages = load(schema)
    for m in messages:
        write(os.path.join(out, m.header), header_text(m))
    write(os.path.join(out, "messages.cc"), source_text(messages))
    keys, rows, includes = api_text(messages)
    write(os.path.join(out, "proto/messages/api_key.h"), keys)
    write(os.path.join(out, "proto/messages/api_rows.inc"), rows)
    write(os.path.join(out, "proto/messages/api_messages.h"), "#pragma once\n" + includes)
    header, table_rows = error_texts(errors)
    write(os.path.join(out, "proto/messages/error_codes.h"), header)
    write(os.path.join(out, "proto/messages/error_rows.inc"), table_rows)
    write(os.path.join(out, "done"), "")


if __name__ == "__main__":
    main()
