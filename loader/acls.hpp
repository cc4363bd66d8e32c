// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules as the programs see them (`acls`): which lists of rules (RuleLists) a port or segment obeys. A port has
// its own, else its port group's. The rows come before the flags that have the programs look at them (DEVICE_RULES,
// SEGMENT_RULES), and only the difference to what the kernel holds is written.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "links.hpp"
#include "model.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "rule_lists.hpp"
#include "segments.hpp"
#include "tables.hpp"

namespace weft {

// The name of what a port obeys, empty if nothing.
const std::string& acl_of(const Document& wanted, const Port& port);
// Whether there are rules by that name.
bool has_rules(const Document& wanted, const std::string& acl);
// Whether a port obeys rules, its own or its segment's.
bool is_guarded(const Document& wanted, const Port& port);

class Acls {
public:
    Acls(Tables& tables, RuleLists& lists) : tables_(&tables), lists_(&lists) {}

    Result<> adopt();
    // Call after Segments::prepare.
    void serve(const Document& wanted, const Links& links, const Segments& segments, Problems& problems);
    void sweep(Problems& problems);

    // By rule of the ACL, in its order.
    Result<std::vector<tally>> counters(const Acl& acl) const;
    std::uint64_t writes() const { return writes_; }

private:
    struct Row {
        ::acl value{};
        bool wanted = false;
    };
    ::acl lists_of(const Document& wanted, const std::string& name, Problems& problems);
    void put(std::uint32_t key, const ::acl& value, const std::string& what, Problems& problems);

    Tables* tables_;
    RuleLists* lists_;
    std::map<std::uint32_t, Row> rows_;
    std::map<std::string, ::acl> by_name_;  // of this pass
    std::uint64_t writes_ = 0;
};

}  // namespace weft
