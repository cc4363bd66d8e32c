// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The parsers of bpf/ on any bytes, in a block of just their length: the verifier holds them to it in the kernel, the
// sanitizers here. The first byte chooses what the programs would know beside the frame.
#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "classify.h"
#include "expect.hpp"
#include "hash.h"
#include "parse_nd.h"
#include "path_error.h"
#include "sum.h"
#include "tuple.h"

namespace {

constexpr std::uint8_t VTEP4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
constexpr std::uint8_t VTEP6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

config settings(std::uint8_t choice) {
    config out{};
    const bool six = choice & 1;
    std::copy_n(six ? VTEP6 : VTEP4, 16, out.vtep.bytes);
    out.port = htons(4789);
    out.flags =
        (six ? CONFIG_IPV6 : 0) | (choice & 2 ? CONFIG_DROP_RESERVED : 0) | (choice & 4 ? CONFIG_ACCEPT_ZERO_UDP6 : 0);
    return out;
}

void classify(const view& seen, const config& settings) {
    outer packet{};
    const enum verdict verdict = classify_outer(&seen, &settings, &packet);
    if (verdict != CONTINUE) return;
    FUZZ_EXPECT(packet.vni <= 0xffffff);
    FUZZ_EXPECT(packet.inner_bytes >= sizeof(ethernet_header));
    FUZZ_EXPECT(packet.inner_bytes + (settings.flags & CONFIG_IPV6 ? VXLAN6_OVERHEAD_BYTES : VXLAN4_OVERHEAD_BYTES) <=
                seen.bytes);
}

void classify_gre(const view& seen, const config& settings) {
    outer packet{};
    enum verdict wrong = CONTINUE;
    const enum verdict verdict = classify_nvgre(&seen, &settings, &packet, &wrong);
    if (verdict != CONTINUE || wrong) return;
    FUZZ_EXPECT(packet.vni >= VSID && packet.vni <= (VSID | 0xffffff));
    FUZZ_EXPECT(packet.inner_bytes >= sizeof(ethernet_header));
    FUZZ_EXPECT(packet.inner_bytes + (settings.flags & CONFIG_IPV6 ? NVGRE6_OVERHEAD_BYTES : NVGRE4_OVERHEAD_BYTES) <=
                seen.bytes);
}

void classify_error(const std::uint8_t* data, const std::uint8_t* end, const config& settings) {
    quote quoted{};
    if (classify_path_error(data, end, &settings, &quoted) != CONTINUE) return;
    FUZZ_EXPECT((quoted.vni & ~VSID) <= 0xffffff && quoted.bytes > 0);
}

void parse_inner(const std::uint8_t* data, const std::uint8_t* end, std::uint32_t bytes) {
    const arp_message* arp = nullptr;
    if (parse_arp(data, end, &arp) != CONTINUE) FUZZ_EXPECT(!arp);
    FUZZ_EXPECT(!arp || reinterpret_cast<const std::uint8_t*>(arp + 1) <= end);
    nd_message nd{};
    if (parse_nd(data, end, bytes, &nd) == CONTINUE && nd.type)
        FUZZ_EXPECT(is_resolution(data, end) && nd.icmp_bytes <= bytes);
    const bool short_frame = end - data < static_cast<std::ptrdiff_t>(sizeof(ethernet_header));
    FUZZ_EXPECT((check_macs(data, end) == DROP_SHORT) == short_frame);
    (void)inner_tos(data, end);
    settled_segment segment{};
    if (find_settled_segment(data, end, &segment)) (void)settled_sum(&segment);
    tuple packet{}, quoted{};
    if (read_tuple(data, end, &packet, &quoted) == TUPLE_IS) FUZZ_EXPECT(packet.family == 4 || packet.family == 6);
    FUZZ_EXPECT(!(packet.flags & TUPLE_QUOTES) || packet.flags & TUPLE_ERROR);
    const __u16 port = flow_source_port(data, end);
    FUZZ_EXPECT(port >= SOURCE_PORT_MIN);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 65536) return 0;
    const std::uint8_t choice = data[0];
    const std::size_t bytes = size - 1;
    const std::unique_ptr<std::uint8_t[]> frame(new std::uint8_t[bytes]);
    std::copy_n(data + 1, bytes, frame.get());
    // A quarter of the choices: not all of the frame is linear.
    const std::size_t linear = (choice & 0x18) == 0x18 ? bytes / 2 : bytes;
    const std::unique_ptr<std::uint8_t[]> head(new std::uint8_t[linear]);
    std::copy_n(frame.get(), linear, head.get());
    const auto all = static_cast<std::uint32_t>(bytes);
    classify({head.get(), head.get() + linear, all, choice & 0x20u}, settings(choice));
    classify_gre({head.get(), head.get() + linear, all, choice & 0x20u}, settings(choice));
    classify_error(head.get(), head.get() + linear, settings(choice));
    parse_inner(head.get(), head.get() + linear, all);
    return 0;
}
