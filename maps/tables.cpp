// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "tables.hpp"

namespace weft {

namespace {

template <typename T>
Result<T> open_one(const char* name, const std::function<int(const char*)>& fd_of) {
    const int fd = fd_of(name);
    if (fd < 0) return fail_errno(std::string("open map ") + name, -fd);
    return T::open(fd, name);
}

}  // namespace

Result<Tables> Tables::open(const std::function<int(const char*)>& fd_of) {
#define X(name, ...) TRY(auto name, (open_one<__VA_ARGS__>(#name, fd_of)));
    WEFT_TABLES(X)
#undef X
    return Tables{
#define X(name, ...) std::move(name),
        WEFT_TABLES(X)
#undef X
    };
}

}  // namespace weft
