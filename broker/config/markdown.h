#pragma once

#include <string>

namespace tidelog::broker {

/// docs/configuration.md, whole, made from the option tables; `make docs` writes it and a test compares it.
std::string render_markdown();

}  // namespace tidelog::broker
