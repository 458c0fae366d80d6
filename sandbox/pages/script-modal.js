// A stand-in for the script of the Galaxy Pay gateway that shops load for its operation
// checkout. It opens the payment page in a frame over the shop's page.
"use strict";

(() => {
	const popupID = "galaxy-pay-upc-popup";
	let leave = () => {};

	// endpoint: responseData.endpoint of checkout.
	// onResult: gets {transactionID, transactionStatus} when the payment has ended; "200" is
	//           paid. It proves nothing: ask the query operation, or wait for the IPN.
	// onClose:  gets nothing, when the customer closes the frame before that.
	// options:  {language: "vi" | "en"}
	globalThis.galaxyPaySubmitPayment = (endpoint, onResult, onClose, options) => {
		leave(); // there is one popup at a time

		const address = new URL(endpoint);
		if (options?.language) address.searchParams.set("language", options.language);

		const english = options?.language === "en";
		const popup = document.createElement("dialog");
		popup.id = popupID;
		popup.tabIndex = -1;
		popup.setAttribute("aria-label", english ? "Pay with Galaxy Pay" : "Thanh toán bằng Galaxy Pay");
		Object.assign(popup.style, {
			position: "fixed", inset: "0", display: "grid", placeItems: "center", boxSizing: "border-box",
			width: "100%", height: "100%", maxWidth: "none", maxHeight: "none", margin: "0", padding: "60px 0 0", border: "0", outline: "0", background: "#0009",
		});

		const frame = document.createElement("iframe");
		frame.src = address.href;
		frame.title = english ? "Payment page" : "Trang thanh toán";
		Object.assign(frame.style, {
			width: "min(100%, 60rem)", height: "min(100%, 50rem)", border: "0", borderRadius: "12px", background: "#fff",
		});

		const close = document.createElement("button");
		close.type = "button";
		close.textContent = "✕";
		close.setAttribute("aria-label", english ? "Close" : "Đóng");
		Object.assign(close.style, {
			position: "absolute", top: "10px", right: "10px", width: "40px", height: "40px", border: "0", borderRadius: "50%",
			background: "#fff", color: "#18202f", fontSize: "18px", cursor: "pointer",
		});

		// Every window may send messages to this one. Only the payment page in the frame may
		// say how the payment ended, or that Esc was pressed in it.
		const onMessage = (message) => {
			if (message.source !== frame.contentWindow || message.origin !== address.origin) return;
			if (message.data?.type === "galaxypay-sandbox-close") closeByCustomer();
			if (message.data?.type !== "galaxypay-sandbox-result") return;
			const { transactionID, transactionStatus } = message.data;
			leave();
			onResult?.({ transactionID, transactionStatus });
		};

		leave = () => {
			leave = () => {};
			removeEventListener("message", onMessage);
			popup.close(); // gives the focus back
			popup.remove();
		};
		const closeByCustomer = () => {
			leave();
			onClose?.();
		};
		close.onclick = closeByCustomer;
		popup.oncancel = closeByCustomer; // Esc

		addEventListener("message", onMessage);
		popup.append(close, frame);
		(document.getElementById("galaxy-pay-sdk") ?? document.body).append(popup);
		popup.showModal();
		popup.focus(); // not its button, which the key that opened the window would press
	};
})();
