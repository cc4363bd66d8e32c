// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// tagger INTERFACE VID [PROTOCOL], tagger INTERFACE deaf: puts tagger.bpf.c on an interface of the namespace it runs
// in, and ends. It goes with the device.
#include <bpf/libbpf.h>
#include <net/if.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "tagger.skel.h"

namespace {

bool attach(int ifindex, bpf_tc_attach_point point, const bpf_program* program) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
    return bpf_tc_attach(&hook, &options) == 0;
}

}  // namespace

int main(int count, char** words) {
    if (count < 3) return std::fprintf(stderr, "usage: tagger INTERFACE VID [PROTOCOL] | deaf\n"), 2;
    const auto ifindex = static_cast<int>(if_nametoindex(words[1]));
    const std::unique_ptr<tagger_bpf, decltype(&tagger_bpf__destroy)> programs(tagger_bpf__open(), tagger_bpf__destroy);
    if (ifindex == 0 || !programs) return std::perror("tagger"), 1;
    programs->rodata->vid = static_cast<__u16>(std::strtoul(words[2], nullptr, 0));
    if (count > 3) programs->rodata->protocol = static_cast<__u16>(std::strtoul(words[3], nullptr, 0));
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
                .attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
    const bool deaf = std::string_view(words[2]) == "deaf";
    if (tagger_bpf__load(programs.get()) != 0 || bpf_tc_hook_create(&hook) != 0) return std::perror("tagger"), 1;
    if (!attach(ifindex, BPF_TC_INGRESS, deaf ? programs->progs.deaf : programs->progs.untag) ||
        (!deaf && !attach(ifindex, BPF_TC_EGRESS, programs->progs.tag)))
        return std::perror("tagger"), 1;
}
