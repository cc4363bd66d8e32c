// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What does not work although everything else goes on: the reasons `weft status` gives for "degraded". One broken
// object must not keep the others from being served, so reconciling collects instead of returning at the first error.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "result.hpp"

namespace weft {

struct Problems {
    std::vector<std::string> reasons;   // degraded
    std::vector<std::string> warnings;  // not: an interface that is waited for

    void add(std::string reason) { reasons.push_back(std::move(reason)); }
    void warn(std::string warning) { warnings.push_back(std::move(warning)); }

    // True if the result is good; else its error becomes a reason.
    template <typename T>
    bool check(const Result<T>& result, std::string_view doing) {
        if (result) return true;
        reasons.push_back(result.error().prepend(doing).what);
        return false;
    }
};

}  // namespace weft
