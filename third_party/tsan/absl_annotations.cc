// Shows ThreadSanitizer what happens inside Abseil's uninstrumented libraries.
//
// Abseil annotates its locks itself, but only when it is compiled with -fsanitize=thread, which the
// library of the system is not: everything guarded by an absl::Mutex would look like a race. Linked
// into an instrumented program, the definitions below take the place of the library's, annotate,
// and call the library. The ...WithTimeout functions are missing where the library's call those
// with a deadline.
//
// Conditions passed to Await and LockWhen are evaluated between pre_lock and post_lock, where
// ThreadSanitizer ignores accesses: a race inside such a condition is missed, never invented.

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/base/dynamic_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/internal/cord_internal.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
namespace {

constexpr unsigned kExclusive = 0;
constexpr unsigned kShared = __tsan_mutex_read_lock;

// The library's definition of a function, member or not, that this file defines too.
template <typename Function>
Function Next(Function ours) {
  void* address = nullptr;
  std::memcpy(&address, &ours, sizeof(address));  // True of non-virtual members by the Itanium ABI.
  Dl_info info;
  void* next = nullptr;
  if (dladdr(address, &info) != 0 && info.dli_sname != nullptr) {
    next = dlsym(RTLD_NEXT, info.dli_sname);
  }
  if (next == nullptr) {
    std::fputs("absl_annotations.cc does not match the installed Abseil\n", stderr);
    std::abort();
  }
  Function result = nullptr;
  std::memcpy(&result, &next, sizeof(next));
  return result;
}

// A stretch in which the calling thread obtains `mu`. If it may fail, Failed() says so.
class Acquiring {
 public:
  Acquiring(Mutex* mu, unsigned flags) : mu_(mu), flags_(flags) {
    __tsan_mutex_pre_lock(mu_, flags_);
  }
  ~Acquiring() { __tsan_mutex_post_lock(mu_, flags_, 0); }

  bool Result(bool acquired) {
    if (!acquired) flags_ |= __tsan_mutex_try_lock_failed;
    return acquired;
  }

 private:
  Mutex* mu_;
  unsigned flags_;
};

// A stretch in which the calling thread gives `mu` back.
class Releasing {
 public:
  Releasing(Mutex* mu, unsigned flags) : mu_(mu), flags_(flags) {
    __tsan_mutex_pre_unlock(mu_, flags_);
  }
  ~Releasing() { __tsan_mutex_post_unlock(mu_, flags_); }

 private:
  Mutex* mu_;
  unsigned flags_;
};

// A stretch in which the calling thread, which holds `mu` exclusively, waits without it. Waiting
// for a condition under a reader lock is the one use that is not understood here.
class Waiting {
 public:
  explicit Waiting(Mutex* mu) : released_(mu), acquiring_(mu, kExclusive) {}

 private:
  struct Released {
    explicit Released(Mutex* mu) { Releasing releasing(mu, kExclusive); }
  } released_;
  Acquiring acquiring_;
};

// The atomic that Notification and BlockingCounter keep behind their mutex, and write in the
// library.
template <typename T>
void* AtomicOf(const T* counter) {
  static_assert(sizeof(T) >= 2 * sizeof(Mutex));
  return const_cast<char*>(reinterpret_cast<const char*>(counter)) + sizeof(Mutex);
}

}  // namespace

#define NEXT(function) static const auto next = Next(&function)

void Mutex::Lock() {
  NEXT(Mutex::Lock);
  Acquiring acquiring(this, kExclusive);
  (this->*next)();
}

void Mutex::Unlock() {
  NEXT(Mutex::Unlock);
  Releasing releasing(this, kExclusive);
  (this->*next)();
}

bool Mutex::TryLock() {
  NEXT(Mutex::TryLock);
  Acquiring acquiring(this, kExclusive | __tsan_mutex_try_lock);
  return acquiring.Result((this->*next)());
}

void Mutex::ReaderLock() {
  NEXT(Mutex::ReaderLock);
  Acquiring acquiring(this, kShared);
  (this->*next)();
}

void Mutex::ReaderUnlock() {
  NEXT(Mutex::ReaderUnlock);
  Releasing releasing(this, kShared);
  (this->*next)();
}

bool Mutex::ReaderTryLock() {
  NEXT(Mutex::ReaderTryLock);
  Acquiring acquiring(this, kShared | __tsan_mutex_try_lock);
  return acquiring.Result((this->*next)());
}

void Mutex::LockWhen(const Condition& cond) {
  NEXT(Mutex::LockWhen);
  Acquiring acquiring(this, kExclusive);
  (this->*next)(cond);
}

bool Mutex::LockWhenWithDeadline(const Condition& cond, absl::Time deadline) {
  NEXT(Mutex::LockWhenWithDeadline);
  Acquiring acquiring(this, kExclusive);
  return (this->*next)(cond, deadline);
}

void Mutex::ReaderLockWhen(const Condition& cond) {
  NEXT(Mutex::ReaderLockWhen);
  Acquiring acquiring(this, kShared);
  (this->*next)(cond);
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& cond, absl::Time deadline) {
  NEXT(Mutex::ReaderLockWhenWithDeadline);
  Acquiring acquiring(this, kShared);
  return (this->*next)(cond, deadline);
}

void Mutex::Await(const Condition& cond) {
  NEXT(Mutex::Await);
  Waiting waiting(this);
  (this->*next)(cond);
}

bool Mutex::AwaitWithDeadline(const Condition& cond, absl::Time deadline) {
  NEXT(Mutex::AwaitWithDeadline);
  Waiting waiting(this);
  return (this->*next)(cond, deadline);
}

void CondVar::Wait(Mutex* mu) {
  NEXT(CondVar::Wait);
  Waiting waiting(mu);
  (this->*next)(mu);
}

bool CondVar::WaitWithDeadline(Mutex* mu, absl::Time deadline) {
  NEXT(CondVar::WaitWithDeadline);
  Waiting waiting(mu);
  return (this->*next)(mu, deadline);
}

void Notification::Notify() {
  NEXT(Notification::Notify);
  __tsan_release(AtomicOf(this));
  (this->*next)();
}

void Notification::WaitForNotification() const {
  NEXT(Notification::WaitForNotification);
  (this->*next)();
  __tsan_acquire(AtomicOf(this));
}

bool Notification::WaitForNotificationWithTimeout(absl::Duration timeout) const {
  NEXT(Notification::WaitForNotificationWithTimeout);
  const bool notified = (this->*next)(timeout);
  if (notified) __tsan_acquire(AtomicOf(this));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(absl::Time deadline) const {
  NEXT(Notification::WaitForNotificationWithDeadline);
  const bool notified = (this->*next)(deadline);
  if (notified) __tsan_acquire(AtomicOf(this));
  return notified;
}

bool BlockingCounter::DecrementCount() {
  NEXT(BlockingCounter::DecrementCount);
  __tsan_release(AtomicOf(this));
  return (this->*next)();
}

void BlockingCounter::Wait() {
  NEXT(BlockingCounter::Wait);
  (this->*next)();
  __tsan_acquire(AtomicOf(this));
}

// What the copies of a Status or a Cord share is counted down inside the library, so the releases
// that order its last use before the delete are not seen: what these two do is not checked.

void Status::UnrefNonInlined(uintptr_t rep) {
  NEXT(Status::UnrefNonInlined);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_BEGIN();
  next(rep);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_END();
}

namespace cord_internal {

void CordRep::Destroy(CordRep* rep) {
  NEXT(CordRep::Destroy);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_BEGIN();
  next(rep);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_END();
}

}  // namespace cord_internal

#undef NEXT

ABSL_NAMESPACE_END
}  // namespace absl
