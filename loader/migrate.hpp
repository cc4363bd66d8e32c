// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// From another ABI version's pinned state to this one's, while the old programs forward. A map of the same shape is not
// copied but pinned in both folders, so nothing can be lost; one that differs is copied row by row, and what the old
// programs changed until the switch is copied again after it. PROG_ARRAYs, stubs and TCX links are the same objects in
// both folders, so what is attached to interfaces never changes. The old folder goes last.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generation.hpp"
#include "pins.hpp"
#include "result.hpp"

namespace weft {

// How a row of an older (or newer) version's map reads in this version; none: it has no place here.
struct Conversion {
    std::uint32_t from_version;
    std::string map;
    std::function<std::optional<std::pair<std::string, std::string>>(const std::string& key, const std::string& value)>
        convert;  // the structs' bytes; of a per-CPU map one CPU's
};
// Those this build knows. A map whose meaning changed while its shape did not needs one, else it is shared.
const std::vector<Conversion>& known_conversions();

class Migration {
public:
    // Fills `to` from another version of the instance, if there is one; else does nothing. May be called again after a
    // crash: a map is pinned only when its copy is complete.
    static Result<Migration> begin(const pins::Folder& to,
                                   const std::vector<Conversion>& conversions = known_conversions());

    // After slot 0 of each hook was switched: copies what changed, then takes the old folders away.
    Result<> finish();

private:
    using Rows = std::map<std::string, std::string>;
    struct Copy {
        std::string name;
        Fd from, to;
        MapShape from_shape, to_shape;
        const Conversion* conversion;
        bool resumed;  // an earlier, interrupted migration copied it
        Rows seen;
    };
    explicit Migration(pins::Folder to) : to_(std::move(to)) {}
    Result<> take_map(const std::string& name, const MapShape& wanted, const std::vector<Conversion>& conversions);
    Result<> copy_map(Copy&& copy);
    Result<> take_objects();
    void report_unknown_maps() const;

    static Result<Rows> read(const Copy& copy);
    static std::optional<std::pair<std::string, std::string>> convert(const Copy& copy, const std::string& key,
                                                                      const std::string& value);
    static Result<> replay(const Copy& copy);

    pins::Folder to_;
    std::vector<std::uint32_t> others_;
    std::optional<pins::Folder> from_;
    std::vector<Copy> copies_;
};

}  // namespace weft
