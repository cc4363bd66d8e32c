// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// weftd as a process: the instance's folder and lock, the event loop, signals, the control socket, and telling systemd.
#pragma once

#include <string>

#include "engine.hpp"
#include "map.hpp"
#include "result.hpp"

namespace weft {

// /run/weft/<instance>, made if it is not there.
Result<std::string> make_run_dir(const std::string& instance);

// Held as long as the daemon runs; EBUSY when another one of this instance does.
Result<Fd> lock_instance(const std::string& run_dir, const std::string& instance);

// weftd --detach: programs, pins, tunnel device and the instance's folder. Good if there was nothing.
Result<> detach_instance(const EngineOptions& options);

// Runs until SIGTERM or SIGINT; the datapath goes on forwarding after that.
Result<> run_daemon(const EngineOptions& options);

}  // namespace weft
