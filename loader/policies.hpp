// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What port groups and `bind` allow, as the programs see it (`policies`, `bindings`). Keeps what the kernel holds
// beside what is wanted and writes only the difference: rules first, then the ports they are for (Devices), then away
// with what nobody has any more.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "links.hpp"
#include "model.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "tables.hpp"
#include "teams.hpp"

namespace weft {

// struct policy of a group, without its name and team.
policy policy_of(const PortGroup& group, bool overlay);

class Policies {
public:
    explicit Policies(Tables& tables) : tables_(&tables) {}

    Result<> adopt();
    // A row for each port group. Call after Teams::serve.
    void serve(const Document& wanted, const Teams& teams, Problems& problems);
    // The bindings of every port that exists.
    void bind(const Document& wanted, const Links& links, Problems& problems);
    void sweep(Problems& problems);

    std::uint16_t row(const std::string& group) const;  // 0: there is none
    std::uint64_t writes() const { return writes_; }

private:
    struct KeyLess {
        bool operator()(const binding_key& a, const binding_key& b) const;
    };
    using Bindings = std::set<binding_key, KeyLess>;
    struct Row {
        policy value{};  // as the kernel holds it
        bool wanted = false;
    };
    Result<std::uint16_t> ensure(const std::string& group);

    Tables* tables_;
    std::map<std::uint16_t, Row> rows_;
    std::map<std::string, std::uint16_t> by_group_;
    Bindings bindings_, wanted_bindings_;
    std::uint64_t writes_ = 0;
};

}  // namespace weft
