{
	admin unix//data/galaxypay-admin.sock
	persist_config off
	auto_https off

	servers {
		protocols h1
		timeouts {
			read_header 5s
			read_body 10s
			write_idle 20s
			idle 2m
		}

		# The server in front: its X-Forwarded-For and X-Forwarded-Proto count.
		trusted_proxies static private_ranges
	}

	galaxypay {
		# PRODUCTION: production, with its own key pair in the secret.
		environment {{ .Values.environment }}
		api_key {file./run/secrets/galaxypay/galaxypay_api_key}
		salt {file./run/secrets/galaxypay/galaxypay_salt}
		store sqlite {
			encrypt 2026-11 {file./run/secrets/galaxypay/galaxypay_store_key}
		}
	}
}

# The app posts plain JSON here. Loopback only: a call is signed in your name.
http://:9180 {
	bind 127.0.0.1

	galaxypay {
		defaults {
			ipnURL https://{{ .Values.shop.host }}/galaxypay/ipn
			successURL https://{{ .Values.shop.host }}/galaxypay/result
			failureURL https://{{ .Values.shop.host }}/galaxypay/result
			cancelURL https://{{ .Values.shop.host }}/galaxypay/result
		}
	}
}

# The whole shop, so that galaxypay_guard keeps forged Galaxypay-* headers from the app on every path.
http://:9181 {
	galaxypay_guard

	handle /galaxypay/ipn {
		galaxypay_ipn {
			inbox {
				deliver {
					reverse_proxy 127.0.0.1:{{ .Values.shop.port }}
				}
			}
		}
	}
	handle /galaxypay/result {
		galaxypay_result
		reverse_proxy 127.0.0.1:{{ .Values.shop.port }}
	}
	handle {
		reverse_proxy 127.0.0.1:{{ .Values.shop.port }}
	}
}

# /live and /ready. The kubelet comes from another address than loopback; it gets the status, and no details.
http://:9183 {
	galaxypay_health {
		backlog_below 1000
	}
	respond 404
}
