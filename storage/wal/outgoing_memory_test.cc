#include "storage/wal/outgoing_memory.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace storage::wal {
namespace {

TEST(OutgoingMemory, IsAnAlignedCopy) {
  OutgoingMemory memory;
  for (const size_t bytes : {0, 1, 15, 16, 63, 64, 65, 127, 128, 512, 4096, 65535, 65536, 70000,
                             3'000'000, 100, 5'000'001, 64}) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(i * 7 + bytes + i / 251));
    for (const size_t skipped : {0, 1}) {  // What is copied may lie anywhere.
      const absl::string_view from = absl::string_view(text).substr(bytes == 0 ? 0 : skipped);
      const absl::string_view copy = memory.Copy(from);
      ASSERT_EQ(copy.size(), from.size());
      EXPECT_TRUE(copy == from) << bytes;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(copy.data()) % OutgoingMemory::kAlignment, 0u) << bytes;
    }
  }
}

}  // namespace
}  // namespace storage::wal
