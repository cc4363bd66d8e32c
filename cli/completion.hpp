// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft completion bash`: the shell function that completes command lines of weft, made of the table of commands as the
// help is, and of the schema, which knows what a key may be.
#pragma once

#include <string>

namespace weft::cli {

std::string completion_text();

}  // namespace weft::cli
