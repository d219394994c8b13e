#include "raftpb/allocation_counter.h"

#include <cstdlib>
#include <new>

namespace raftpb {
namespace {

thread_local uint64_t allocations = 0;
thread_local uint64_t allocated_bytes = 0;

void* Allocate(size_t bytes) {
  ++allocations;
  allocated_bytes += bytes;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

AllocationCounter::AllocationCounter()
    : allocations_before_(raftpb::allocations), bytes_before_(allocated_bytes) {}

uint64_t AllocationCounter::allocations() const {
  return raftpb::allocations - allocations_before_;
}

uint64_t AllocationCounter::bytes() const { return allocated_bytes - bytes_before_; }

}  // namespace raftpb

// The other forms, arrays and nothrow, are defined by the standard library in terms of these.
// Over-aligned types keep the library's own operators and are not counted.
void* operator new(size_t bytes) { return raftpb::Allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
