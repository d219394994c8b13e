// Races that ThreadSanitizer may not report. One line per library that it cannot see through; no
// code of this repository ever has a line here.

// Read by the ThreadSanitizer runtime; the format is that of a suppressions file.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return
      // gRPC hands buffers between its threads through atomics that are not instrumented, and
      // leaves some threads running at exit. A report has such a frame only when the library itself
      // freed, copied or sent the memory in question: callbacks into our code are checked as
      // always.
      "race:libgrpc.so\n"
      "race:libgrpc++.so\n"
      "race:libgpr.so\n"
      "race:libupb.so\n"
      "thread:libgpr.so\n"

      // Likewise what TLS decrypts into gRPC's buffers on one of its threads, and the locks that
      // it frees at exit.
      "race:libssl.so\n"
      "race:libcrypto.so\n"

      // The payloads that gRPC puts into a shared absl::Status, and the times it reads from them.
      "race:libabsl_status.so\n"
      "race:libabsl_time.so\n"

      // Tables shared by all threads, behind locks that only the library sees: the order in which
      // mutexes were taken, the pool behind absl::BitGen, the time zones.
      "race:libabsl_graphcycles_internal.so\n"
      "race:libabsl_random_internal_pool_urbg.so\n"
      "race:libabsl_time_zone.so\n";
}
