#include "storage/wal/outgoing_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "raft/check.h"

namespace storage::wal {

namespace {

constexpr size_t kHugePage = 2 << 20;
constexpr size_t kLarge = 64 << 10;  // From here on a huge page is worth its memory.

// As memcpy, past the caches where the processor can. Requires `to` at a multiple of 16.
void CopyPastCaches(char* to, absl::string_view bytes) {
  size_t done = 0;
#ifdef __SSE2__
  constexpr size_t kLine = 64;
  for (; done + kLine <= bytes.size(); done += kLine) {
    for (size_t part = 0; part < kLine; part += sizeof(__m128i)) {
      const char* const from = bytes.data() + done + part;
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + done + part),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
  }
  _mm_sfence();
#endif
  std::memcpy(to + done, bytes.data() + done, bytes.size() - done);
}

}  // namespace

absl::string_view OutgoingMemory::Copy(absl::string_view bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > capacity_) Reserve(bytes.size());
  CopyPastCaches(begin_, bytes);
  return {begin_, bytes.size()};
}

void OutgoingMemory::Reserve(size_t bytes) {
  const size_t wanted = std::max(bytes, 2 * capacity_);
  const size_t alignment = wanted < kLarge ? kAlignment : kHugePage;
  Release();  // Before there is more.
  capacity_ = (wanted + alignment - 1) / alignment * alignment;
  mapped_bytes_ = capacity_ + alignment;
  mapping_ =
      mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RAFT_CHECK(mapping_ != MAP_FAILED) << "no memory for a batch of " << bytes << " bytes";
  begin_ = static_cast<char*>(mapping_);
  begin_ += (alignment - reinterpret_cast<uintptr_t>(begin_) % alignment) % alignment;
#ifdef MADV_HUGEPAGE
  if (alignment == kHugePage) (void)madvise(begin_, capacity_, MADV_HUGEPAGE);
#endif
}

void OutgoingMemory::Release() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
  mapping_ = nullptr;
}

}  // namespace storage::wal
