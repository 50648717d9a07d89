// Who a client is and what it may do.
#include "broker/config/option_groups.h"

#include <array>

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr std::array<std::string_view, 2> kSaslOauthbearerAssertionAlgorithm{"ES256", "RS256"};

constexpr BrokerOption kTable[] = {
    inert({"authorizer.class.name", text, "", any_value()}, kNoSasl, "Class that decides who may do what; empty allows everything."),
    inert({"connection.failed.authentication.delay.ms", integer, "100", at_least(0)}, kNoSasl,
          "Wait before a connection that failed to log in is closed."),
    inert({"connections.max.reauth.ms", long_integer, "0", any_value()}, kNoSasl,
          "Longest time until a client must log in again; 0: never."),
    inert({"delegation.token.expiry.check.interval.ms", long_integer, "3600000", at_least(1)}, kNoSasl,
          "How often expired delegation tokens are removed."),
    inert({"delegation.token.expiry.time.ms", long_integer, "86400000", at_least(1)}, kNoSasl,
          "How long a delegation token is valid without renewal."),
    inert({"delegation.token.max.lifetime.ms", long_integer, "604800000", at_least(1)}, kNoSasl,
          "Longest life of a delegation token, renewed or not."),
    inert({"delegation.token.secret.key", password, "", any_value()}, kNoSasl, "Secret with which delegation tokens are signed.")
        .nullable(),
    inert(
        {"principal.builder.class", class_name, "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", any_value()},
        kNoSasl, "Class that turns what a client proved into a user.")
        .per_broker(),
    inert({"sasl.client.callback.handler.class", class_name, "", any_value()}, kNoSasl,
          "Class that supplies credentials when this broker is the client.")
        .nullable(),
    inert({"sasl.enabled.mechanisms", list, "GSSAPI", any_value()}, kNoSasl, "SASL mechanisms that clients may use.").per_broker(),
    inert({"sasl.jaas.config", password, "", any_value()}, kNoSasl, "Login modules and their options.").nullable().per_broker(),
    inert({"sasl.kerberos.kinit.cmd", text, "/usr/bin/kinit", any_value()}, kNoSasl, "Path of kinit.").per_broker(),
    inert({"sasl.kerberos.min.time.before.relogin", long_integer, "60000", any_value()}, kNoSasl, "Least time between two Kerberos logins.")
        .per_broker(),
    inert({"sasl.kerberos.principal.to.local.rules", list, "DEFAULT", any_value()}, kNoSasl,
          "Rules that turn a Kerberos principal into a user name.")
        .per_broker(),
    inert({"sasl.kerberos.service.name", text, "", any_value()}, kNoSasl, "Kerberos service name of the brokers.").nullable().per_broker(),
    inert({"sasl.kerberos.ticket.renew.jitter", real, "0.05", any_value()}, kNoSasl, "Random share added to the renewal time of a ticket.")
        .per_broker(),
    inert({"sasl.kerberos.ticket.renew.window.factor", real, "0.8", any_value()}, kNoSasl,
          "Share of a ticket's life after which it is renewed.")
        .per_broker(),
    inert({"sasl.login.callback.handler.class", class_name, "", any_value()}, kNoSasl, "Class that supplies login credentials.").nullable(),
    inert({"sasl.login.class", class_name, "", any_value()}, kNoSasl, "Class that logs in.").nullable(),
    inert({"sasl.login.connect.timeout.ms", integer, "", any_value()}, kNoSasl, "Longest wait for a connection to the identity provider.")
        .nullable(),
    inert({"sasl.login.read.timeout.ms", integer, "", any_value()}, kNoSasl, "Longest wait for an answer of the identity provider.")
        .nullable(),
    inert({"sasl.login.refresh.buffer.seconds", short_integer, "300", any_value()}, kNoSasl,
          "Time before expiry by which a credential must have been refreshed.")
        .per_broker(),
    inert({"sasl.login.refresh.min.period.seconds", short_integer, "60", any_value()}, kNoSasl, "Least time between two refreshes.")
        .per_broker(),
    inert({"sasl.login.refresh.window.factor", real, "0.8", any_value()}, kNoSasl,
          "Share of a credential's life after which it is refreshed.")
        .per_broker(),
    inert({"sasl.login.refresh.window.jitter", real, "0.05", any_value()}, kNoSasl, "Random share added to that time.").per_broker(),
    inert({"sasl.login.retry.backoff.max.ms", long_integer, "10000", any_value()}, kNoSasl,
          "Longest wait before a failed login is repeated."),
    inert({"sasl.login.retry.backoff.ms", long_integer, "100", any_value()}, kNoSasl, "First wait before a failed login is repeated."),
    inert({"sasl.mechanism.controller.protocol", text, "GSSAPI", any_value()}, kNoSasl, "SASL mechanism between brokers and controllers."),
    inert({"sasl.mechanism.inter.broker.protocol", text, "GSSAPI", any_value()}, kNoSasl, "SASL mechanism between brokers.").per_broker(),
    inert({"sasl.oauthbearer.allow.unverified.audience", boolean, "false", any_value()}, kNoSasl,
          "Accept tokens without checking whom they are for."),
    inert({"sasl.oauthbearer.allow.unverified.issuer", boolean, "false", any_value()}, kNoSasl,
          "Accept tokens without checking who issued them."),
    inert({"sasl.oauthbearer.assertion.algorithm", text, "RS256", any_value()}, kNoSasl, "Signature algorithm of client assertions.")
        .one_of(kSaslOauthbearerAssertionAlgorithm)
        .in_any_case(),
    inert({"sasl.oauthbearer.assertion.claim.aud", text, "", any_value()}, kNoSasl, "Audience claim of client assertions.").nullable(),
    inert({"sasl.oauthbearer.assertion.claim.exp.seconds", integer, "300", between(0, 86400)}, kNoSasl, "Life of a client assertion."),
    inert({"sasl.oauthbearer.assertion.claim.iss", text, "", any_value()}, kNoSasl, "Issuer claim of client assertions.").nullable(),
    inert({"sasl.oauthbearer.assertion.claim.jti.include", boolean, "false", any_value()}, kNoSasl, "Give each client assertion an id."),
    inert({"sasl.oauthbearer.assertion.claim.nbf.seconds", integer, "60", between(0, 3600)}, kNoSasl,
          "How long before now an assertion begins to be valid."),
    inert({"sasl.oauthbearer.assertion.claim.sub", text, "", any_value()}, kNoSasl, "Subject claim of client assertions.").nullable(),
    inert({"sasl.oauthbearer.assertion.file", text, "", any_value()}, kNoSasl, "File with a ready-made assertion.").nullable(),
    inert({"sasl.oauthbearer.assertion.private.key.file", text, "", any_value()}, kNoSasl, "File with the key that signs assertions.")
        .nullable(),
    inert({"sasl.oauthbearer.assertion.private.key.passphrase", password, "", any_value()}, kNoSasl, "Passphrase of that key.").nullable(),
    inert({"sasl.oauthbearer.assertion.template.file", text, "", any_value()}, kNoSasl, "File with further claims of assertions.")
        .nullable(),
    inert({"sasl.oauthbearer.client.credentials.client.id", text, "", any_value()}, kNoSasl, "Client id for the identity provider.")
        .nullable(),
    inert({"sasl.oauthbearer.client.credentials.client.secret", password, "", any_value()}, kNoSasl, "Secret that goes with it.")
        .nullable(),
    inert({"sasl.oauthbearer.clock.skew.seconds", integer, "30", any_value()}, kNoSasl,
          "Difference between clocks that is forgiven when tokens are checked."),
    inert({"sasl.oauthbearer.expected.audience", list, "", any_value()}, kNoSasl, "Audiences of which a token must name one."),
    inert({"sasl.oauthbearer.expected.issuer", text, "", any_value()}, kNoSasl, "Who must have issued a token.").nullable(),
    inert({"sasl.oauthbearer.jwks.endpoint.refresh.ms", long_integer, "3600000", any_value()}, kNoSasl,
          "How often the identity provider's keys are fetched anew."),
    inert({"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", long_integer, "10000", any_value()}, kNoSasl,
          "Longest wait before a failed fetch of keys is repeated."),
    inert({"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", long_integer, "100", any_value()}, kNoSasl,
          "First wait before a failed fetch of keys is repeated."),
    inert({"sasl.oauthbearer.jwks.endpoint.url", text, "", any_value()}, kNoSasl, "Where the identity provider publishes its keys.")
        .nullable(),
    inert({"sasl.oauthbearer.jwt.retriever.class", class_name, "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
           any_value()},
          kNoSasl, "Class that obtains tokens."),
    inert({"sasl.oauthbearer.jwt.validator.class", class_name, "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
           any_value()},
          kNoSasl, "Class that checks tokens."),
    inert({"sasl.oauthbearer.scope", text, "", any_value()}, kNoSasl, "Scope asked for in a token.").nullable(),
    inert({"sasl.oauthbearer.scope.claim.name", text, "scope", any_value()}, kNoSasl, "Claim that holds the scope."),
    inert({"sasl.oauthbearer.sub.claim.name", text, "sub", any_value()}, kNoSasl, "Claim that holds the subject."),
    inert({"sasl.oauthbearer.token.endpoint.url", text, "", any_value()}, kNoSasl, "Where tokens are obtained.").nullable(),
    inert({"sasl.server.callback.handler.class", class_name, "", any_value()}, kNoSasl, "Class that checks credentials of clients.")
        .nullable(),
    inert({"sasl.server.max.receive.size", integer, "524288", any_value()}, kNoSasl, "Largest message of a client that has not logged in."),
};

}  // namespace

std::span<const BrokerOption> sasl_options() { return kTable; }

}  // namespace tidelog::broker
