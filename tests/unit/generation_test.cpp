// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a host is told that cannot load the programs: one line, with what to do in it.
#include "generation.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

bool holds(const std::string& line, const char* words) {
    return line.find(words) != std::string::npos && line.find('\n') == std::string::npos;
}

TEST(Generation, KernelsBeforeBpfLoopAreTooOld) {
    for (const char* release : {"2.6.32-754.el6.x86_64", "4.19.0-27-amd64", "5.16.20", "5.4.0-190-generic"}) {
        const auto result = require_kernel(release);
        ASSERT_FALSE(result) << release;
        EXPECT_EQ(result.error().code, ENOTSUP);
        EXPECT_TRUE(holds(result.error().what, release)) << result.error().what;
        EXPECT_TRUE(
            holds(result.error().what,
                  "too old: it has no bpf_loop, which weft needs to flood (5.17); weft config check works here"))
            << result.error().what;
    }
    for (const char* release : {"5.17.0", "5.19.17", "6.1.0-30-amd64", "6.18", "10.0.1", "a kernel of nobody's"})
        EXPECT_TRUE(require_kernel(release)) << release;
}

TEST(Generation, ALoadWithoutPrivilegeNamesWhatIsMissing) {
    for (const bool btf : {true, false}) {
        const Error error = load_error("stubs", EPERM, btf);
        EXPECT_EQ(error.code, EPERM);
        EXPECT_TRUE(holds(error.what, "load the stubs: not permitted, run as root or by the systemd unit"))
            << error.what;
        EXPECT_TRUE(holds(error.what, "CAP_BPF")) << error.what;
    }
}

TEST(Generation, ALoadThatFailsWithoutBtfAsksForAKernelThatHasIt) {
    for (const int code : {EINVAL, EACCES, ENOTSUP, ESRCH}) {
        const Error error = load_error("programs", code, false);
        EXPECT_TRUE(holds(error.what, "no BTF, use one built with CONFIG_DEBUG_INFO_BTF")) << error.what;
        EXPECT_TRUE(holds(error.what, std::strerror(code))) << error.what;
    }
}

TEST(Generation, ALoadThatTheVerifierRefusesSaysWhereItsReasonIs) {
    const Error error = load_error("programs", EACCES, true);
    EXPECT_TRUE(holds(error.what, "load the programs: Permission denied; --log-level debug shows")) << error.what;
    EXPECT_FALSE(holds(error.what, "BTF"));
}

}  // namespace
}  // namespace weft
