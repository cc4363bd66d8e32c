// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a command answers: a line, and for some (`weft monitor`) lines that follow as things happen.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace weft {

// A client that listens. What it does not read in time is counted, and it is told how many lines it lost.
class Stream {
public:
    virtual ~Stream() = default;
    virtual bool is_open() const = 0;
    virtual void send(std::string_view line) = 0;  // without its newline; never waits
};

struct Reply {
    std::string line;  // without its newline
    // Not empty: the client gets a stream behind that line, and asks nothing more. Keep it by a weak pointer: it must
    // not outlive the loop.
    std::function<void(const std::shared_ptr<Stream>&)> begin = {};
};

}  // namespace weft
