// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TipJar} from "../TipJar.sol";

/// An ERC-20 that anybody may mint and that tells of every movement, as the standard asks for.
contract EventToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

/// Keeps a tenth of every transfer for a collector and tells of both parts: of the whole amount to the receiver, then of the fee.
contract FeeEventToken is EventToken {
    address public constant COLLECTOR = address(0xfee);

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        uint256 fee = amount / 10;
        balanceOf[to] -= fee;
        balanceOf[COLLECTOR] += fee;
        emit Transfer(from, COLLECTOR, fee);
    }
}

/// The event of ERC-721, which has the name and topic of ERC-20's and an id in place of an amount.
contract Collectible {
    event Transfer(address indexed from, address indexed to, uint256 indexed id);

    function send(address to, uint256 id) external {
        emit Transfer(msg.sender, to, id);
    }
}

/// Pays several wallets in one transaction.
contract TransferBatch {
    function payAll(EventToken token, address[] calldata wallets, uint256 amount) external {
        for (uint256 i = 0; i < wallets.length; i++) token.transferFrom(msg.sender, wallets[i], amount);
    }
}

/// Pays in every way there is within one transaction, in tokens that it makes for itself and in the coins that it is sent.
contract MixedPayments {
    enum Way {
        JarCoins,
        JarTokens,
        Tokens,
        CoinsInside,
        Minted,
        Nothing
    }

    struct Payment {
        Way way;
        address payable to;
        uint256 amount;
    }

    error Refused();

    function payAll(TipJar jar, EventToken token, Payment[] calldata payments, string calldata message) external payable {
        for (uint256 i = 0; i < payments.length; i++) _pay(jar, token, payments[i], message, bytes32(i));
    }

    function _pay(TipJar jar, EventToken token, Payment calldata payment, string calldata message, bytes32 ref) private {
        (Way way, address payable to, uint256 amount) = (payment.way, payment.to, payment.amount);
        if (way == Way.JarCoins) {
            jar.tip{value: amount}(to, message, ref);
        } else if (way == Way.JarTokens) {
            token.mint(address(this), amount);
            token.approve(address(jar), amount);
            jar.tipToken(address(token), amount, to, message, ref);
        } else if (way == Way.Tokens) {
            token.mint(address(this), amount);
            token.transfer(to, amount);
        } else if (way == Way.CoinsInside) {
            (bool paid,) = to.call{value: amount}("");
            if (!paid) revert Refused();
        } else if (way == Way.Minted) {
            token.mint(to, amount);
        } else {
            token.transfer(to, 0);
        }
    }
}
