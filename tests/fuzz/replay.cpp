// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs a fuzzer's harness over its seeds where there is no libFuzzer: each file whole, and cut at every byte.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<char> seed{std::istreambuf_iterator<char>(file), {}};
        for (std::size_t size = 0; size <= seed.size(); ++size) {
            // Of exactly this size, so that ASan sees a byte read too many.
            const std::vector<std::uint8_t> input(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(size));
            LLVMFuzzerTestOneInput(input.data(), input.size());
        }
        ++files;
    }
    std::printf("%zu seeds\n", files);
    return files ? 0 : 1;
}
