// The errors of the API. Clients tell them apart by the exact text, so every text is written here
// and nowhere else.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_PROTO_ERRORS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_PROTO_ERRORS_H_

#include "absl/status/status.h"

namespace raftexample::errors {

// A code, which has the number of the gRPC code of the same name, and a text. Converts to the
// status it stands for: `return errors::kKeyNotFound;`.
struct ApiError {
  absl::StatusCode code;
  const char* text;

  absl::Status status() const { return absl::Status(code, text); }
  operator absl::Status() const { return status(); }  // NOLINT: a status by another name.
  bool Is(const absl::Status& s) const { return s.code() == code && s.message() == text; }
};

// Keys.
inline constexpr ApiError kEmptyKey{absl::StatusCode::kInvalidArgument,
                                    "etcdserver: key is not provided"};
inline constexpr ApiError kKeyNotFound{absl::StatusCode::kInvalidArgument,
                                       "etcdserver: key not found"};
inline constexpr ApiError kValueProvided{absl::StatusCode::kInvalidArgument,
                                         "etcdserver: value is provided"};
inline constexpr ApiError kLeaseProvided{absl::StatusCode::kInvalidArgument,
                                         "etcdserver: lease is provided"};
inline constexpr ApiError kTooManyOps{absl::StatusCode::kInvalidArgument,
                                      "etcdserver: too many operations in txn request"};
inline constexpr ApiError kDuplicateKey{absl::StatusCode::kInvalidArgument,
                                        "etcdserver: duplicate key given in txn request"};
inline constexpr ApiError kCompacted{absl::StatusCode::kOutOfRange,
                                     "etcdserver: mvcc: required revision has been compacted"};
inline constexpr ApiError kFutureRevision{
    absl::StatusCode::kOutOfRange, "etcdserver: mvcc: required revision is a future revision"};
inline constexpr ApiError kNoSpace{absl::StatusCode::kResourceExhausted,
                                   "etcdserver: mvcc: database space exceeded"};

// Leases.
inline constexpr ApiError kLeaseNotFound{absl::StatusCode::kNotFound,
                                         "etcdserver: requested lease not found"};
inline constexpr ApiError kLeaseExists{absl::StatusCode::kFailedPrecondition,
                                       "etcdserver: lease already exists"};
inline constexpr ApiError kLeaseTtlTooLarge{absl::StatusCode::kOutOfRange,
                                            "etcdserver: too large lease TTL"};
// Not among etcd's texts: it lets one client grant leases without end.
inline constexpr ApiError kTooManyLeases{absl::StatusCode::kResourceExhausted,
                                         "etcdserver: too many leases"};

// Watches. The first two stand in a cancel_reason, where nothing is put before them.
inline constexpr ApiError kWatchCanceled{absl::StatusCode::kCancelled,
                                         "etcdserver: watch canceled"};
inline constexpr const char* kDuplicateWatchId =
    "mvcc: duplicate watch ID provided on the WatchStream";
inline constexpr const char* kEmptyWatchRange = "mvcc: watcher range is empty";

// Members.
inline constexpr ApiError kMemberExists{absl::StatusCode::kFailedPrecondition,
                                        "etcdserver: member ID already exist"};
inline constexpr ApiError kPeerUrlExists{absl::StatusCode::kFailedPrecondition,
                                         "etcdserver: Peer URLs already exists"};
inline constexpr ApiError kNotEnoughStarted{
    absl::StatusCode::kFailedPrecondition,
    "etcdserver: re-configuration failed due to not enough started members"};
inline constexpr ApiError kMemberBadUrls{absl::StatusCode::kInvalidArgument,
                                         "etcdserver: given member URLs are invalid"};
inline constexpr ApiError kMemberNotFound{absl::StatusCode::kNotFound,
                                          "etcdserver: member not found"};
inline constexpr ApiError kNotLearner{absl::StatusCode::kFailedPrecondition,
                                      "etcdserver: can only promote a learner member"};
inline constexpr ApiError kLearnerNotReady{
    absl::StatusCode::kFailedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader"};
inline constexpr ApiError kTooManyLearners{absl::StatusCode::kFailedPrecondition,
                                           "etcdserver: too many learner members in cluster"};
inline constexpr ApiError kNotSupportedForLearner{absl::StatusCode::kUnavailable,
                                                  "etcdserver: rpc not supported for learner"};

// Users and roles.
inline constexpr ApiError kRootUserMissing{absl::StatusCode::kFailedPrecondition,
                                           "etcdserver: root user does not exist"};
inline constexpr ApiError kRootRoleMissing{absl::StatusCode::kFailedPrecondition,
                                           "etcdserver: root user does not have root role"};
inline constexpr ApiError kUserExists{absl::StatusCode::kFailedPrecondition,
                                      "etcdserver: user name already exists"};
inline constexpr ApiError kUserEmpty{absl::StatusCode::kInvalidArgument,
                                     "etcdserver: user name is empty"};
inline constexpr ApiError kUserNotFound{absl::StatusCode::kFailedPrecondition,
                                        "etcdserver: user name not found"};
inline constexpr ApiError kRoleExists{absl::StatusCode::kFailedPrecondition,
                                      "etcdserver: role name already exists"};
inline constexpr ApiError kRoleEmpty{absl::StatusCode::kInvalidArgument,
                                     "etcdserver: role name is empty"};
inline constexpr ApiError kRoleNotFound{absl::StatusCode::kFailedPrecondition,
                                        "etcdserver: role name not found"};
inline constexpr ApiError kRoleNotGranted{absl::StatusCode::kFailedPrecondition,
                                          "etcdserver: role is not granted to the user"};
inline constexpr ApiError kPermissionNotGranted{
    absl::StatusCode::kFailedPrecondition, "etcdserver: permission is not granted to the role"};
inline constexpr ApiError kAuthFailed{
    absl::StatusCode::kInvalidArgument,
    "etcdserver: authentication failed, invalid user ID or password"};
// Has no code in etcd.
inline constexpr ApiError kNoPasswordUser{
    absl::StatusCode::kUnknown,
    "auth: authentication failed, password was given for no password user"};
inline constexpr ApiError kPermissionNotGiven{absl::StatusCode::kInvalidArgument,
                                              "etcdserver: permission not given"};
inline constexpr ApiError kPermissionDenied{absl::StatusCode::kPermissionDenied,
                                            "etcdserver: permission denied"};
inline constexpr ApiError kAuthNotEnabled{absl::StatusCode::kFailedPrecondition,
                                          "etcdserver: authentication is not enabled"};
inline constexpr ApiError kInvalidAuthToken{absl::StatusCode::kUnauthenticated,
                                            "etcdserver: invalid auth token"};
inline constexpr ApiError kInvalidAuthManagement{absl::StatusCode::kInvalidArgument,
                                                 "etcdserver: invalid auth management"};
inline constexpr ApiError kAuthOldRevision{absl::StatusCode::kInvalidArgument,
                                           "etcdserver: revision of auth store is old"};

// The server as a whole.
inline constexpr ApiError kRequestTooLarge{absl::StatusCode::kInvalidArgument,
                                           "etcdserver: request is too large"};
inline constexpr ApiError kTooManyRequests{absl::StatusCode::kResourceExhausted,
                                           "etcdserver: too many requests"};
inline constexpr ApiError kNoLeader{absl::StatusCode::kUnavailable, "etcdserver: no leader"};
inline constexpr ApiError kLeaderChanged{absl::StatusCode::kUnavailable,
                                         "etcdserver: leader changed"};
inline constexpr ApiError kNotLeader{absl::StatusCode::kFailedPrecondition,
                                     "etcdserver: not leader"};
inline constexpr ApiError kBadLeaderTransferee{absl::StatusCode::kFailedPrecondition,
                                               "etcdserver: bad leader transferee"};
inline constexpr ApiError kNotCapable{absl::StatusCode::kUnavailable, "etcdserver: not capable"};
inline constexpr ApiError kStopped{absl::StatusCode::kUnavailable, "etcdserver: server stopped"};
inline constexpr ApiError kTimeout{absl::StatusCode::kUnavailable, "etcdserver: request timed out"};
inline constexpr ApiError kTimeoutLeaderFailed{
    absl::StatusCode::kUnavailable,
    "etcdserver: request timed out, possibly due to previous leader failure"};
inline constexpr ApiError kTimeoutConnectionLost{
    absl::StatusCode::kUnavailable,
    "etcdserver: request timed out, possibly due to connection lost"};
inline constexpr ApiError kTimeoutApplying{
    absl::StatusCode::kUnavailable,
    "etcdserver: request timed out, waiting for the applied index took too long"};
inline constexpr ApiError kUnhealthy{absl::StatusCode::kUnavailable,
                                     "etcdserver: unhealthy cluster"};
inline constexpr ApiError kCorrupt{absl::StatusCode::kDataLoss, "etcdserver: corrupt cluster"};

}  // namespace raftexample::errors

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_PROTO_ERRORS_H_
