// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The help of `weft --help` and `weft NOUN --help`, made of the table of commands.
#pragma once

#include <string>
#include <string_view>

namespace weft::cli {

std::string version_line();
std::string help_text(std::string_view noun);  // empty: the list of all commands

}  // namespace weft::cli
