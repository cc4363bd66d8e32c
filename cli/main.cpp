// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// weft: the command line of weftd. The last edge where an exception stops.
#include <cstdlib>
#include <exception>
#include <iostream>

#include "run.hpp"

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    try {
        return weft::cli::run({argv + 1, argv + argc}, std::getenv("WEFT_INSTANCE"), {std::cin, std::cout, std::cerr});
    } catch (const std::exception& error) {
        std::cerr << "weft: " << error.what() << "\n";
        return weft::cli::REFUSED;
    }
}
