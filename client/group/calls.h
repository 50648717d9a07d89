#pragma once

#include "client/group/membership.h"
#include "client/net/request.h"

namespace tidelog::core {

/// How long the coordinator waits for a member, as it is told.
struct MemberTimeouts {
  Milliseconds session{45'000};
  Milliseconds request{30'000};
};

/// The request that a call is, without an `answer`. Its deadline leaves the coordinator the time that it may take.
Request to_request(const Call& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now);

/// What was answered to the call.
result<CallAnswer> read_call_answer(const Call& call, const Answer& answer);

/// The code in an answer, whatever it answers.
ErrorCode code_of(const CallAnswer& answer);

}  // namespace tidelog::core
