#include "broker/net/ip_name.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr std::size_t kNetworkBytes = 8;  ///< A /64.

}  // namespace

std::optional<std::string> canonical_ip(std::string_view text) {
  namespace ip = boost::asio::ip;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

std::string counted_ip(std::string_view text) {
  namespace ip = boost::asio::ip;
  boost::system::error_code error;
  const std::string canonical = canonical_ip(text).value_or(std::string(text));
  const ip::address_v6 address = ip::make_address_v6(canonical, error);
  if (error) return canonical;
  ip::address_v6::bytes_type network = address.to_bytes();
  std::fill(network.begin() + kNetworkBytes, network.end(), 0);
  return ip::make_address_v6(network).to_string() + "/64";
}

}  // namespace tidelog::broker
