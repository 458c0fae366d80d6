require "net/http"

# Calls the sidecar. It holds no secret and signs nothing: the sidecar does.
class Sidecar
  # Posts plain JSON. Returns "ok", "not_sent", "rejected" or "unknown", and the answer.
  def self.call(operation, key, fields)
    uri = URI("#{Rails.configuration.x.galaxypay_url}/#{operation}")
    body = fields.merge(orderDateTime: Time.current.strftime("%Y%m%d%H%M%S")).to_json # config.time_zone is Vietnam's
    http = Net::HTTP.new(uri.host, uri.port)
    http.read_timeout = 35 # the sidecar waits 30 s
    http.max_retries = 0
    response = http.post(uri.path, body, "Content-Type" => "application/json", "Idempotency-Key" => key)
    answer = JSON.parse(response.body)
    return ["ok", answer] if response.code == "200"

    Rails.logger.error("#{operation} #{key}: #{response.code} #{response.body}") # says what to correct
    [answer.fetch("outcome", "unknown"), {}]
  rescue SystemCallError, IOError, Timeout::Error, SocketError, Net::ProtocolError, JSON::ParserError => e
    Rails.logger.error("#{operation} #{key}: #{e.message}")
    ["unknown", {}]
  end
end
