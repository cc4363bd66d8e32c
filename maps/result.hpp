// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Result<T>: a value or an Error. Every fallible function of weft returns one; handle it or hand it up with TRY, and
// prepend what the caller knows: `attach from_wire to eth0: Device or resource busy`.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace weft {

struct Error {
    int code = 0;      // an errno value
    std::string what;  // one line for a person, without a trailing full stop

    Error prepend(std::string_view clause) const { return {code, std::string(clause) + ": " + what}; }
};

struct Ok {};

template <typename T = Ok>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(int code, std::string what) {
    return tl::make_unexpected(Error{code, std::move(what)});
}

// The errno of a failed call with its text: `fail_errno("open /dev/null")` -> "open /dev/null: Permission denied".
[[nodiscard]] inline tl::unexpected<Error> fail_errno(std::string_view doing, int code = errno) {
    return fail(code, std::string(doing) + ": " + std::strerror(code));
}

[[nodiscard]] inline tl::unexpected<Error> fail(const Error& error, std::string_view doing) {
    return tl::make_unexpected(error.prepend(doing));
}

}  // namespace weft

#define WEFT_CONCAT_(a, b) a##b
#define WEFT_CONCAT(a, b) WEFT_CONCAT_(a, b)
#define WEFT_TRY_(tmp, target, expr)                              \
    auto tmp = (expr);                                            \
    if (!tmp) return tl::make_unexpected(std::move(tmp).error()); \
    target = std::move(*tmp)

// TRY(auto value, f()): value, or return the error. TRY_OK(f()): the same for a Result without a value.
#define TRY(target, expr) WEFT_TRY_(WEFT_CONCAT(try_, __COUNTER__), target, expr)
#define TRY_OK(expr)                                                        \
    do {                                                                    \
        auto try_ok = (expr);                                               \
        if (!try_ok) return tl::make_unexpected(std::move(try_ok).error()); \
    } while (0)
