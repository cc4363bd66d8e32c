// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// sd_notify by hand: one datagram to the socket systemd names in NOTIFY_SOCKET. Without it, nothing happens.
#pragma once

#include <string>

namespace weft {

// "READY=1\nSTATUS=…", "STOPPING=1". Best effort: a daemon does not depend on who watches it.
void notify(const std::string& message);

}  // namespace weft
