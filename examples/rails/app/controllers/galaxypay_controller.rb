# What the sidecar has proven.
class GalaxypayController < ApplicationController
  skip_forgery_protection only: :ipn # the sidecar has proven it
  wrap_parameters false
  before_action -> { only_from_sidecar("ipn", "query") }, only: :ipn
  before_action -> { only_from_sidecar("result", "cancel") }, only: :result

  def ipn
    order = Order.find_by(id: named("Galaxypay-Order-Id"))
    return answer("404", "No such order") unless order

    data = JSON.parse(request.raw_post).fetch("responseData")
    answer(*order.take(named("Galaxypay-Transaction-Id"), request.headers["Galaxypay-Payment-Status"], data))
  end

  # Only a page: goods go by the IPN.
  def result
    show_order(named("Galaxypay-Order-Id"), request.headers["Galaxypay-Payment-Status"])
  end

  private

  def only_from_sidecar(*callbacks)
    return if callbacks.include?(request.headers["Galaxypay-Callback"])

    render plain: "This did not come through the sidecar.", status: :forbidden
  end

  # A header that names something is percent-encoded.
  def named(header)
    Rack::Utils.unescape_path(request.headers[header].to_s)
  end

  def answer(status, description)
    render json: { ipnStatus: status, ipnDescription: description }
  end
end
