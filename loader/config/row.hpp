// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the options of `weft fdb`, `weft neighbor` and `weft record` say, as text and numbers that nobody has looked at
// yet: of one command, or of one row of a batch. A batch has a million rows, so the form that `list` prints (one flat
// object of plain strings, numbers and words) is read without a JSON tree; anything else takes the JSON parser. Both
// say the same.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "result.hpp"

namespace weft {

struct EntryRow {
    using Text = std::optional<std::string_view>;  // absent and JSON null are the same

    Text segment, mac, ip, port, remote, bridge, origin, ca, pa;
    std::optional<std::uint64_t> vni, vsid, age_seconds;
    bool dynamic = false, fixed = false;  // fixed: "static"
    bool operator==(const EntryRow&) const = default;
};

// Keys that are no option are passed over. EINVAL when a value is of the wrong kind. The views are into `object`.
Result<EntryRow> entry_row(const nlohmann::json& object);

class RowReader {
public:
    // defaults: options that hold for every row, unless it has them itself. Must outlive this.
    explicit RowReader(const nlohmann::json& defaults);

    // The views are into `text` or this, good until the next call. EINVAL also for what is no JSON object. Never
    // throws.
    Result<EntryRow> read(std::string_view text);

private:
    Result<EntryRow> read_tree(std::string_view text);

    const nlohmann::json& defaults_;
    std::optional<EntryRow> plain_defaults_;  // none: of the wrong kind, which a row may still put right
    nlohmann::json tree_;
};

}  // namespace weft
