#include "cli/doctor/explain.h"

namespace tidelog::cli {
namespace {

/// The code, what is seen with what it means, and what helps.
struct Words {
  std::string code;
  std::string message;
  std::string hint;
};

std::string time_text(std::chrono::milliseconds time) {
  return time.count() % 1'000 == 0 ? std::to_string(time.count() / 1'000) + " s" : std::to_string(time.count()) + " ms";
}

Words words_of_connecting(const HopFailure& failure, const Hop& hop, std::chrono::milliseconds timeout) {
  if (failure.trouble == HopTrouble::connect_timeout)
    return {"CONNECT_TIMEOUT", "nothing answers the attempt to connect within " + time_text(timeout),
            "a firewall that drops packets, a machine that is off, or an address of another network"};
  if (failure.trouble == HopTrouble::cannot_connect)
    return {"CANNOT_CONNECT", "the system cannot connect: " + failure.detail,
            "see the route to that address, and whether it is meant for clients here"};
  const std::string message = "the connection is refused: nobody listens there";
  if (hop.is_bootstrap)
    return {"CONNECTION_REFUSED", message, "is a broker running there, and on this port? start one with: tidelog serve"};
  return {"CONNECTION_REFUSED", message,
          "clients get this address from advertised.listeners: it has to lead to an address and port in listeners of " + hop.name};
}

Words words_of_protocol(const HopFailure& failure, std::chrono::milliseconds timeout) {
  switch (failure.trouble) {
    case HopTrouble::speaks_tls:
      return {"SPEAKS_TLS", "it speaks TLS",
              "clients need security.protocol=SSL or SASL_SSL here; without TLS, take the port of a PLAINTEXT listener"};
    case HopTrouble::speaks_http:
      return {"SPEAKS_HTTP", "it speaks HTTP, not Kafka's protocol", "is the port right? a broker's is mostly 9092"};
    case HopTrouble::speaks_other:
      return {"OTHER_PROTOCOL", "it speaks another protocol: its first words are " + failure.detail,
              "is the port right? a broker's is mostly 9092"};
    case HopTrouble::needs_sasl:
      return {"NEEDS_SASL", "it wants a SASL login (" + failure.detail + ") before anything else",
              "clients need security.protocol=SASL_PLAINTEXT and credentials; this command cannot log in"};
    case HopTrouble::controller_only:
      return {"CONTROLLER_LISTENER", "it is a listener of the controller, which serves brokers and no clients",
              "clients need a listener of a broker, one that is not in controller.listener.names"};
    case HopTrouble::refuses_versions:
      return {"UNSUPPORTED_VERSION", "it speaks no version of what is needed: " + failure.detail,
              "is it a broker, and not much older than its clients?"};
    case HopTrouble::silent:
      return {"NO_ANSWER", "it accepts the connection and does not answer within " + time_text(timeout),
              "it is slow or no broker: a longer --timeout tells; a broker that hangs or is overloaded says why in its log"};
    case HopTrouble::answers_slowly:
      return {"SLOW_ANSWER", "it speaks Kafka's protocol, and its answer was not whole within " + time_text(timeout),
              "a broker that is overloaded (its log says why), or a slow network; --timeout gives it longer"};
    case HopTrouble::closed_at_once:
      return {"CLOSED_AT_ONCE", "it accepts the connection and closes it without an answer",
              "a broker at a limit (max.connections, max.connections.per.ip; its log says which), a proxy without a broker behind it, or "
              "another protocol"};
    case HopTrouble::broke_off:
      return {"BROKE_OFF", "it speaks Kafka's protocol, but not to the end: " + failure.detail, "the broker's log says why"};
    default: return {"BAD_ANSWER", "its answer is not of Kafka's protocol", "is the port right? a broker's is mostly 9092"};
  }
}

}  // namespace

bool tries_next_address(HopTrouble trouble) {
  return trouble == HopTrouble::refused || trouble == HopTrouble::connect_timeout || trouble == HopTrouble::cannot_connect;
}

Finding explain(const HopFailure& failure, const Hop& hop, std::chrono::milliseconds timeout) {
  Words words = tries_next_address(failure.trouble) ? words_of_connecting(failure, hop, timeout) : words_of_protocol(failure, timeout);
  return {.verdict = Verdict::problem,
          .hop = hop.name,
          .address = hop.address,
          .code = std::move(words.code),
          .message = std::move(words.message),
          .hint = std::move(words.hint)};
}

}  // namespace tidelog::cli
