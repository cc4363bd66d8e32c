// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A NIC that carries VLANs must take what is for the MACs behind it, not for its own alone.
#pragma once

#include <string>

#include "result.hpp"

namespace weft {

// Sets or clears IFF_PROMISC, by name in the netns of the calling process. False: it was so already. The flag is the
// device's own and stays when the daemon goes, which a packet socket's membership would not.
Result<bool> set_promiscuous(const std::string& interface, bool on);

}  // namespace weft
