// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "ethtool.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace weft {

namespace {

// The ioctl's structs end in an array whose length the header gives.
template <typename Header, typename Element>
class Trailed {
public:
    explicit Trailed(std::size_t count) : room_((sizeof(Header) + count * sizeof(Element) + 7) / 8) {}
    Header* operator->() { return reinterpret_cast<Header*>(room_.data()); }
    void* raw() { return room_.data(); }
    Element* elements() { return reinterpret_cast<Element*>(reinterpret_cast<char*>(room_.data()) + sizeof(Header)); }

private:
    std::vector<std::uint64_t> room_;
};

constexpr std::size_t WORD_BITS = 32;
std::size_t words(std::size_t bits) { return (bits + WORD_BITS - 1) / WORD_BITS; }
std::uint32_t mask(std::size_t bit) { return 1u << (bit % WORD_BITS); }

}  // namespace

Result<Ethtool> Ethtool::open(const std::string& interface) {
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("open a socket for ethtool");
    return Ethtool(interface, std::move(socket));
}

Result<> Ethtool::call(void* command, const char* doing) const {
    ifreq request{};
    interface_.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = static_cast<char*>(command);
    // Above 0 are flags of ETHTOOL_SFEATURES: some of what was asked for is fixed, or waits for something else.
    if (ioctl(socket_.get(), SIOCETHTOOL, &request) >= 0) return Ok{};
    return fail_errno(std::string(doing) + " of " + interface_);
}

Result<std::vector<std::string>> Ethtool::strings(std::uint32_t set) const {
    Trailed<ethtool_sset_info, std::uint32_t> info(1);
    info->cmd = ETHTOOL_GSSET_INFO;
    info->sset_mask = 1ull << set;
    TRY_OK(call(info.raw(), "read the ethtool names"));
    const std::size_t count = info->sset_mask ? info.elements()[0] : 0;
    Trailed<ethtool_gstrings, char[ETH_GSTRING_LEN]> names(count);
    names->cmd = ETHTOOL_GSTRINGS;
    names->string_set = set;
    names->len = static_cast<std::uint32_t>(count);
    if (count) TRY_OK(call(names.raw(), "read the ethtool names"));
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i)
        out.emplace_back(names.elements()[i], strnlen(names.elements()[i], ETH_GSTRING_LEN));
    return out;
}

Result<std::vector<Ethtool::Feature>> Ethtool::features() const {
    TRY(const auto names, strings(ETH_SS_FEATURES));
    Trailed<ethtool_gfeatures, ethtool_get_features_block> get(words(names.size()));
    get->cmd = ETHTOOL_GFEATURES;
    get->size = static_cast<std::uint32_t>(words(names.size()));
    TRY_OK(call(get.raw(), "read the features"));
    std::vector<Feature> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& block = get.elements()[i / WORD_BITS];
        const bool fixed = (block.never_changed & mask(i)) || !(block.available & mask(i));
        out.push_back({names[i], (block.active & mask(i)) != 0, fixed});
    }
    return out;
}

Result<> Ethtool::set_features(const std::vector<std::string>& wanted, bool on) const {
    TRY(const auto names, strings(ETH_SS_FEATURES));
    Trailed<ethtool_sfeatures, ethtool_set_features_block> set(words(names.size()));
    set->cmd = ETHTOOL_SFEATURES;
    set->size = static_cast<std::uint32_t>(words(names.size()));
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (std::find(wanted.begin(), wanted.end(), names[i]) == wanted.end()) continue;
        set.elements()[i / WORD_BITS].valid |= mask(i);
        if (on) set.elements()[i / WORD_BITS].requested |= mask(i);
    }
    return call(set.raw(), "set the features");
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> Ethtool::statistics() const {
    std::vector<std::pair<std::string, std::uint64_t>> out;
    auto names = strings(ETH_SS_STATS);
    if (!names && names.error().code == EOPNOTSUPP) return out;
    if (!names) return tl::make_unexpected(names.error());
    Trailed<ethtool_stats, std::uint64_t> stats(names->size());
    stats->cmd = ETHTOOL_GSTATS;
    stats->n_stats = static_cast<std::uint32_t>(names->size());
    if (!names->empty()) TRY_OK(call(stats.raw(), "read the statistics"));
    for (std::size_t i = 0; i < names->size(); ++i) out.emplace_back((*names)[i], stats.elements()[i]);
    return out;
}

}  // namespace weft
