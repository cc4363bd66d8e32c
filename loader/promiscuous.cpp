// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "promiscuous.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "map.hpp"

namespace weft {

Result<bool> set_promiscuous(const std::string& interface, bool on) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("open a socket");
    ifreq request{};
    interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return fail_errno("read the flags of " + interface);
    if (((request.ifr_flags & IFF_PROMISC) != 0) == on) return false;
    request.ifr_flags = static_cast<short>(request.ifr_flags ^ IFF_PROMISC);
    if (ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno("change the flags of " + interface);
    return true;
}

}  // namespace weft
