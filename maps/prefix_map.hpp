// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A kernel LPM trie with the types of abi.h. Its look-up gives the longest prefix that holds the key, not the row of
// that key, so it is called match() here and there is no find(): who must know a row keeps it.
#pragma once

#include "map.hpp"

namespace weft {

template <Wire K, Wire V>
class PrefixMap : private Map<K, V> {
    using Base = Map<K, V>;

public:
    using typename Base::Key;
    using typename Base::Row;
    using typename Base::Value;

    static Result<PrefixMap> open(int fd, std::string name) {
        TRY(Base base, Base::open(fd, std::move(name)));
        return PrefixMap(std::move(base));
    }

    Result<std::optional<V>> match(const K& key) const { return Base::find(key); }

    using Base::erase;  // of exactly this prefix
    using Base::fd;
    using Base::is_array;
    using Base::max_entries;
    using Base::name;
    using Base::put;
    using Base::put_all;
    using Base::read_batch;
    using Base::rows;

private:
    explicit PrefixMap(Base&& base) : Base(std::move(base)) {}
};

}  // namespace weft
