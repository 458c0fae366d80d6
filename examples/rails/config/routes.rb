Rails.application.routes.draw do
  root "shop#home"
  post "buy", to: "shop#buy"
  get "orders/:id", to: "shop#show", as: :order
  post "refund", to: "shop#refund"

  post "galaxypay/ipn", to: "galaxypay#ipn"
  get "galaxypay/result", to: "galaxypay#result"
end
