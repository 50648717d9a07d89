// TLS.
#include "broker/config/option_groups.h"

#include <array>

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr std::array<std::string_view, 4> kSecurityInterBrokerProtocol{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
constexpr std::array<std::string_view, 3> kSslClientAuth{"required", "requested", "none"};

constexpr BrokerOption kTable[] = {
    inert({"security.inter.broker.protocol", text, "PLAINTEXT", any_value()}, kNoTls, "Security protocol between brokers.")
        .one_of(kSecurityInterBrokerProtocol),
    inert({"security.providers", text, "", any_value()}, kNoTls, "Java security providers.").nullable(),
    inert({"ssl.allow.dn.changes", boolean, "false", any_value()}, kNoTls, "Accept a new keystore whose subject name differs."),
    inert({"ssl.allow.san.changes", boolean, "false", any_value()}, kNoTls, "Accept a new keystore whose alternative names differ."),
    inert({"ssl.cipher.suites", list, "", any_value()}, kNoTls, "Cipher suites; empty leaves the choice to the library.").per_broker(),
    inert({"ssl.client.auth", text, "none", any_value()}, kNoTls, "Whether clients must, may or need not present a certificate.")
        .one_of(kSslClientAuth)
        .per_broker(),
    inert({"ssl.enabled.protocols", list, "TLSv1.2,TLSv1.3", any_value()}, kNoTls, "TLS versions that are accepted.").per_broker(),
    inert({"ssl.endpoint.identification.algorithm", text, "https", any_value()}, kNoTls,
          "How the host name of a peer's certificate is checked; empty: not at all.")
        .per_broker(),
    inert({"ssl.engine.factory.class", class_name, "", any_value()}, kNoTls, "Class that makes TLS engines.").nullable().per_broker(),
    inert({"ssl.key.password", password, "", any_value()}, kNoTls, "Password of the private key.").nullable().per_broker(),
    inert({"ssl.keymanager.algorithm", text, "SunX509", any_value()}, kNoTls, "Java algorithm of the key manager.").per_broker(),
    inert({"ssl.keystore.certificate.chain", password, "", any_value()}, kNoTls, "Certificate chain as PEM text.").nullable().per_broker(),
    inert({"ssl.keystore.key", password, "", any_value()}, kNoTls, "Private key as PEM text.").nullable().per_broker(),
    inert({"ssl.keystore.location", text, "", any_value()}, kNoTls, "File with certificate and private key of this broker.")
        .nullable()
        .per_broker(),
    inert({"ssl.keystore.password", password, "", any_value()}, kNoTls, "Password of that file.").nullable().per_broker(),
    inert({"ssl.keystore.type", text, "JKS", any_value()}, kNoTls, "Format of that file: JKS, PKCS12 or PEM.").per_broker(),
    inert({"ssl.principal.mapping.rules", text, "DEFAULT", any_value()}, kNoTls,
          "Rules that turn a certificate's subject into a user name."),
    inert({"ssl.protocol", text, "TLSv1.3", any_value()}, kNoTls, "TLS version that connections begin with.").per_broker(),
    inert({"ssl.provider", text, "", any_value()}, kNoTls, "Java security provider for TLS.").nullable().per_broker(),
    inert({"ssl.secure.random.implementation", text, "", any_value()}, kNoTls, "Java source of random numbers for TLS.")
        .nullable()
        .per_broker(),
    inert({"ssl.trustmanager.algorithm", text, "PKIX", any_value()}, kNoTls, "Java algorithm of the trust manager.").per_broker(),
    inert({"ssl.truststore.certificates", password, "", any_value()}, kNoTls, "Trusted certificates as PEM text.").nullable().per_broker(),
    inert({"ssl.truststore.location", text, "", any_value()}, kNoTls, "File with trusted certificates.").nullable().per_broker(),
    inert({"ssl.truststore.password", password, "", any_value()}, kNoTls, "Password of that file.").nullable().per_broker(),
    inert({"ssl.truststore.type", text, "JKS", any_value()}, kNoTls, "Format of that file: JKS, PKCS12 or PEM.").per_broker(),
};

}  // namespace

std::span<const BrokerOption> tls_options() { return kTable; }

}  // namespace tidelog::broker
