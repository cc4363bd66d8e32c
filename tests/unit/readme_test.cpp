// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// README's verdict table is the list of maps/verdicts.h, row by row and in order.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "verdicts.h"

namespace {

std::vector<std::string> rows_of_the_list() {
    return {
#define X(name, number, help) "| `" #name "` | " help " |",
        WEFT_VERDICTS(X)
#undef X
    };
}

std::vector<std::string> rows_of_readme() {
    std::ifstream file(README_PATH);
    std::vector<std::string> rows;
    for (std::string line; std::getline(file, line);)
        for (const char* prefix : {"| `PASS_", "| `TX_", "| `DROP_"})
            if (line.starts_with(prefix)) rows.push_back(line);
    return rows;
}

TEST(Readme, ListsEveryVerdictAsTheCodeDoes) { EXPECT_EQ(rows_of_readme(), rows_of_the_list()); }

}  // namespace
