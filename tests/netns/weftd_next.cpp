// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// weftd as a build with the next ABI version would be: the upgrade and downgrade of test_restart.py. Takes
// --config FILE --instance NAME, in this order.
#include <iostream>
#include <span>
#include <string_view>

#include "daemon.hpp"

namespace {

weft::Result<> run(const char* config_file, const char* instance) {
    weft::EngineOptions options{.instance = instance, .config_file = config_file, .host = {}, .run_dir = {}};
    options.datapath.abi_version = ABI_VERSION + 1;
    TRY(options.run_dir, weft::make_run_dir(options.instance));
    return weft::run_daemon(options);
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    if (words.size() != 5 || words[1] != std::string_view("--config") || words[3] != std::string_view("--instance"))
        return 2;
    const auto result = run(words[2], words[4]);
    if (!result) std::cerr << "weftd_next: " << result.error().what << "\n";
    return result ? 0 : 1;
}
